// An instance with continuous batching: a queue, a batch, a KV cache and a clock.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "serving/clock.hpp"
#include "serving/recorder.hpp"
#include "serving/request_pool.hpp"
#include "serving/step_cost.hpp"
#include "tracetide/serving.hpp"

namespace tracetide {

/// Works in steps: one iteration with prompts, or iterations of decoding with a batch that stays the same.
/// A step is planned at its start, and done at its end. Requests are taken in at the ends of iterations.
class Instance {
 public:
  using Slot = RequestPool::Slot;

  /// The references must outlive it.
  Instance(std::uint32_t number, const InstanceOptions& options, const StepCost& cost, RequestPool& requests,
           Recorder& recorder)
      : number_(number), options_(&options), cost_(&cost), requests_(&requests), recorder_(&recorder) {}

  /// A request comes, at a time to which all steps are done. Where others wait it may be any time: it does
  /// not matter before they are admitted.
  void enqueue(Slot slot, Picoseconds now);
  /// The time behind which `step` must be called: the end of the planned step, or just behind the clock where
  /// one is to be planned, so that all requests of that time are there; `never` where there is nothing to do.
  [[nodiscard]] Picoseconds wake() const noexcept;
  /// Plans a step, or does the planned one.
  void step();
  /// Requests that have not been admitted, or are not any more.
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
  /// Requests that have not ended.
  [[nodiscard]] std::uint64_t unfinished() const noexcept {
    return waiting_.size() + decoding_.size() + (prefilling_ ? 1 : 0) + completing_.size();
  }

 private:
  /// A sequence that decodes; it ends when so many iterations of decoding have been done.
  struct Decoding {
    std::uint64_t end;
    Slot slot;
  };
  /// A prompt of which a part is computed.
  struct Prefilling {
    Slot slot;
    std::uint64_t done;
  };
  /// Sequences whose last token came at one time.
  struct LastTokens {
    Picoseconds time;
    std::uint64_t count;
  };
  struct Step {
    Picoseconds end = never;
    std::uint64_t iterations = 0;
    bool decodes = false;
    Picoseconds first = 0;         ///< duration of the first iteration
    Picoseconds growth = 0;        ///< by which each takes longer than the one before
    std::uint64_t new_tokens = 0;  ///< in the KV cache, of an iteration
  };

  void plan();
  void plan_with_prompts(const StepWork& work);
  void plan_decoding(std::uint64_t most);
  [[nodiscard]] StepWork decoding_work() const noexcept;
  bool make_room();
  void preempt_youngest();
  void return_to_queue(Slot slot, std::uint64_t held);
  std::uint64_t admit(std::uint64_t budget, StepWork& work);
  std::uint64_t prefill(Slot slot, std::uint64_t done, std::uint64_t budget, StepWork& work);
  [[nodiscard]] bool has_room_for_next(std::uint64_t budget, bool first) const noexcept;
  void finish_step();
  void record_gaps();
  void end_decoding();
  void complete_prompts();

  std::uint32_t number_;
  const InstanceOptions* options_;
  const StepCost* cost_;
  RequestPool* requests_;
  Recorder* recorder_;

  Picoseconds clock_ = 0;
  std::optional<Step> step_{};
  std::deque<Slot> waiting_{};
  std::vector<Decoding> decoding_{};  // a heap, the next to end first
  std::optional<Prefilling> prefilling_{};
  std::vector<Slot> completing_{};  // whose prompts end with the planned step
  std::vector<LastTokens>
      last_tokens_{};          // of the decoding sequences, ascending; the youngest are in the last
  std::uint64_t decoded_ = 0;  // iterations of decoding
  std::uint64_t admissions_ = 0;
  std::uint64_t kv_used_ = 0;      // with the whole prompts of those that are admitted
  std::uint64_t kv_decoding_ = 0;  // of it, that of decoding sequences
};

}  // namespace tracetide
