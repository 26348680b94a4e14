// Draws the values of one field from one distribution.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "distributions/alias_table.hpp"
#include "distributions/quantile_table.hpp"
#include "kernels/kernels.hpp"
#include "tracetide/profile.hpp"

namespace tracetide {

/// How a random word becomes a value: through an alias table, for independent draws, or through the quantile
/// function, so that the word is the value's rank.
enum class Draw : std::uint8_t { alias = 0, rank = 1 };

/// Tables of one distribution.
class Sampler {
 public:
  Sampler(const Distribution& distribution, Draw draw);

  /// Whether values need a second word each: where in its bin a value lies.
  [[nodiscard]] bool needs_place() const noexcept { return !width_.empty(); }
  /// Whole-number draws from random words, and `places` where needs_place(). `scratch` has room for n values.
  void tokens(const Kernels& kernels, const std::uint32_t* words, const std::uint32_t* places,
              std::uint32_t n, double* scratch, std::uint32_t* out) const;
  /// Real draws. `positions` has room for n values.
  void reals(const Kernels& kernels, const std::uint32_t* words, std::uint32_t n, std::uint32_t* positions,
             double* out) const;

 private:
  void positions_or_values(const Kernels& kernels, const std::uint32_t* words, std::uint32_t n,
                           std::uint32_t* out) const;

  DistributionKind kind_;
  Draw draw_;
  AliasTable alias_;
  QuantileTable quantile_;
  std::span<const double> reals_;         // real_pmf: values; quantiles: knots; they belong to the profile
  std::span<const std::uint32_t> first_;  // bins: where each begins; also the profile's
  std::vector<std::uint32_t> width_{};    // of bins, if any is wider than 1
  double minimum_;
  double maximum_;
};

/// The samplers of a profile, each made when it is first needed. Thread-safe.
class SamplerCache {
 public:
  explicit SamplerCache(const Profile& profile);
  [[nodiscard]] const Sampler& get(std::uint32_t distribution, Draw draw) const;

 private:
  struct Slot {
    std::once_flag once;
    std::unique_ptr<Sampler> sampler;
  };
  Profile profile_;
  std::unique_ptr<Slot[]> slots_;  // two a distribution
};

}  // namespace tracetide
