// How long iterations take: the cost model in whole picoseconds.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "base/message.hpp"
#include "serving/clock.hpp"
#include "tracetide/serving.hpp"

namespace tracetide {

/// What is in an iteration.
struct StepWork {
  std::uint64_t prefill_tokens = 0;
  WidePicoseconds prefill_pairs = 0;
  std::uint64_t sequences = 0;
  std::uint64_t context_tokens = 0;  ///< of the sequences, the tokens that they make included
};

class StepCost {
 public:
  /// @throws std::invalid_argument naming the cost
  explicit StepCost(const CostModel& model)
      : base_(checked("base_s", model.base_s)),
        prefill_token_(checked("prefill_token_s", model.prefill_token_s)),
        prefill_pair_(checked("prefill_pair_s", model.prefill_pair_s)),
        decode_sequence_(checked("decode_sequence_s", model.decode_sequence_s)),
        context_token_(checked("context_token_s", model.context_token_s)) {
    if (base_ + prefill_token_ + prefill_pair_ + decode_sequence_ + context_token_ == 0)
      throw std::invalid_argument("cost: all 0 is not allowed; one must be at least 1e-12 s");
  }

  [[nodiscard]] WidePicoseconds of(const StepWork& work) const noexcept {
    return base_ + WidePicoseconds{prefill_token_} * work.prefill_tokens +
           prefill_pair_ * work.prefill_pairs + WidePicoseconds{decode_sequence_} * work.sequences +
           WidePicoseconds{context_token_} * work.context_tokens;
  }
  /// By how much iteration after iteration of decoding takes longer, as every sequence's context grows.
  [[nodiscard]] WidePicoseconds growth(std::uint64_t sequences) const noexcept {
    return WidePicoseconds{context_token_} * sequences;
  }
  /// The pairs of tokens first + 1 .. first + count of a prompt, each with all up to itself.
  [[nodiscard]] static WidePicoseconds pairs(std::uint64_t first, std::uint64_t count) noexcept {
    const WidePicoseconds n = count;
    return n * first + n * (n + 1) / 2;
  }

 private:
  static Picoseconds checked(const char* name, double seconds) {
    if (!(seconds >= 0 && seconds <= 1000)) {
      throw std::invalid_argument(std::string(name) + ": " + number_text(seconds) +
                                  " is not allowed; it must be from 0 to 1000 s");
    }
    return std::llround(seconds * 1e12);
  }

  Picoseconds base_, prefill_token_, prefill_pair_, decode_sequence_, context_token_;
};

/// The sum of the first n terms of first, first + step, first + 2 step, ...
[[nodiscard]] inline WidePicoseconds series_sum(WidePicoseconds first, WidePicoseconds step,
                                                std::uint64_t n) noexcept {
  const WidePicoseconds terms = n;
  return terms * first + step * (terms * (terms - 1) / 2);
}

/// The fewest terms whose sum is at least `target`, from 1 to `most`, whose sum is.
[[nodiscard]] inline std::uint64_t terms_to_reach(WidePicoseconds target, WidePicoseconds first,
                                                  WidePicoseconds step, std::uint64_t most) noexcept {
  // The root of the quadratic, in floating point, is right but for a few terms, which the search puts right.
  const double a = static_cast<double>(step) / 2;
  const double b = static_cast<double>(first) - a;
  const double c = static_cast<double>(target);
  const double root = a > 0 ? 2 * c / (b + std::sqrt(b * b + 4 * a * c)) : c / std::max(b, 1.0);
  const double bounded = std::min(std::max(root, 1.0), static_cast<double>(most));
  std::uint64_t n = std::min(static_cast<std::uint64_t>(bounded), most);
  while (n > 1 && series_sum(first, step, n - 1) >= target) --n;
  while (n < most && series_sum(first, step, n) < target) ++n;
  return n;
}

}  // namespace tracetide
