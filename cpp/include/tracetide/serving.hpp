// How requests are served: a model of instances with continuous batching, for finding out how many are
// needed.
//
// An instance works in iterations. An iteration takes
//
//   base + prefill_token * P + prefill_pair * A + decode_sequence * D + context_token * C   seconds,
//
// with P prompt tokens, A pairs of a prompt token and a token at or before it (the attention of prompts), D
// sequences that make a token each, and C tokens in their KV caches, the new ones included.
// docs/provisioning.md says where such numbers come from. Time is in whole picoseconds, so that results do
// not depend on how many iterations are taken at once: iterations whose batch stays the same are, in closed
// form.
//
// Requests are taken first come, first served. A request is admitted when the KV cache has room for its whole
// prompt besides the next token of every running sequence. When the running sequences no longer fit, the one
// that was admitted last goes back to the head of the queue, and its tokens are computed anew (as in vLLM,
// https://docs.vllm.ai/en/v0.9.1/configuration/optimization.html). The end of a prompt makes the first token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "tracetide/batch.hpp"
#include "tracetide/poll.hpp"

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

/// Seconds, each from 0 to 1000 and not all 0; rounded to picoseconds.
struct CostModel {
  double base_s = 0;             ///< of an iteration: reading the weights, launching kernels
  double prefill_token_s = 0;    ///< of a prompt token
  double prefill_pair_s = 0;     ///< of a prompt token that attends to one at or before it
  double decode_sequence_s = 0;  ///< of a sequence that makes a token
  double context_token_s = 0;    ///< of a token in the KV cache of such a sequence
};

struct InstanceOptions {
  CostModel cost{};
  std::uint64_t kv_tokens = 0;         ///< tokens that the KV cache holds; from 1 to 10^12
  std::uint32_t max_batch_tokens = 0;  ///< of an iteration, prompts and decoding; from max_sequences on
  std::uint32_t max_sequences = 0;     ///< that run at a time; from 1 on
  /// Prompts are cut into pieces that fill up the iterations of decoding. Else an iteration has whole prompts
  /// alone, as many as fit (a longer one goes alone), and goes before decoding.
  bool chunked_prefill = true;
};

/// Which instance a request goes to: the next one, or the one with the fewest unfinished requests (of these
/// the first).
enum class Routing { round_robin, least_loaded };

struct ServingOptions {
  InstanceOptions instance{};
  std::uint32_t instances = 1;  ///< all alike; from 1 to 65536
  Routing routing = Routing::round_robin;
  /// A turn waits for the end of the one before. All requests are kept until `finish`, 40 bytes each.
  bool closed_loop = false;
  bool keep_requests = false;  ///< for ServingResult::served
  /// Called after every 16384 requests or steps of an instance; what it throws ends the simulation.
  Poll poll{};
};

/// Requests as columns of one length.
struct ServingRequests {
  std::span<const double> timestamp{};  ///< s, ascending; NaN where only `delay` tells (closed loop)
  std::span<const std::uint32_t> input_tokens{};
  std::span<const std::uint32_t> output_tokens{};
  std::span<const std::uint64_t> session_id{};  ///< or no_session; empty: none
  std::span<const double> delay{};              ///< s after the end of the turn before, or NaN; empty: none
};

/// Times in whole picoseconds, counted in bins that are 1/256 of the value wide, or narrower.
class LatencyHistogram {
 public:
  LatencyHistogram();

  /// @throws std::invalid_argument for a time below 0, as add_series for a step below 0
  void add(std::int64_t picoseconds, std::uint64_t count = 1);
  /// `count` of each of first, first + step, ..., `values` of them. @throws std::invalid_argument also for a
  /// last time, or a count of all, that does not fit
  void add_series(std::int64_t first, std::int64_t step, std::uint64_t values, std::uint64_t count);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Exact; NaN of nothing, as the following.
  [[nodiscard]] double mean_s() const noexcept;
  [[nodiscard]] double min_s() const noexcept;
  [[nodiscard]] double max_s() const noexcept;
  /// The value of rank ceil(q * count), by at most 1/512 of it. @throws std::invalid_argument for q beyond
  /// 0..1
  [[nodiscard]] double quantile_s(double q) const;

 private:
  std::vector<std::uint64_t> bins_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_low_ = 0;  // the sum has 128 bits: exact, in whatever order values come
  std::uint64_t sum_high_ = 0;
  std::int64_t min_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t max_ = -1;
};

/// What became of a request.
struct ServedRequest {
  std::uint64_t number = 0;  ///< its row in what was added
  std::uint32_t instance = 0;
  std::uint32_t preemptions = 0;
  double arrival_s = 0;      ///< when it was sent
  double first_token_s = 0;  ///< the time of its first token
  double end_s = 0;          ///< the time of its last token
};

struct ServingResult {
  std::uint64_t requests = 0;  ///< served to the end
  std::uint64_t rejected = 0;  ///< input and output together do not fit into an empty KV cache
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::uint64_t preemptions = 0;
  std::uint64_t recomputed_tokens = 0;  ///< tokens that admissions after a preemption compute anew
  std::uint64_t iterations = 0;
  std::uint64_t peak_kv_tokens = 0;     ///< the most in one instance
  double end_s = 0;                     ///< when the last request ended
  double busy_s = 0;                    ///< all instances' iterations together
  LatencyHistogram ttft{};              ///< from a request's arrival to its first token
  LatencyHistogram tbt{};               ///< between consecutive tokens, of all tokens of all requests
  LatencyHistogram tpot{};              ///< their mean over a request, of requests with two tokens or more
  LatencyHistogram latency{};           ///< from a request's arrival to its last token
  std::vector<ServedRequest> served{};  ///< in the order of their ends; with keep_requests
};

/// Serves requests in the order of their times. Memory grows with the unfinished requests only, unless the
/// loop is closed or requests are kept.
class ServingSimulator {
 public:
  /// @throws std::invalid_argument naming the option, the value and what is allowed
  explicit ServingSimulator(ServingOptions options);
  ~ServingSimulator();
  ServingSimulator(ServingSimulator&&) noexcept;
  ServingSimulator& operator=(ServingSimulator&&) noexcept;

  /// The next requests. A prompt or an output of 0 tokens counts as one token.
  /// @throws std::invalid_argument naming the row and what is wrong; then, nothing more can be added
  void add(const ServingRequests& requests);
  /// The same with a job's batch; sessions matter in a closed loop only.
  void add(const Batch& batch);
  /// Serves all that is there to its end. Once; nothing can be added afterwards.
  /// @throws std::invalid_argument if it takes more than 100 days
  [[nodiscard]] ServingResult finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tracetide
#pragma GCC visibility pop
