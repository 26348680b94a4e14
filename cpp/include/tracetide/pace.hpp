// A job's requests in step with a clock, for the loop of a load generator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tracetide/batch.hpp"
#include "tracetide/job.hpp"
#include "tracetide/stream.hpp"

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

struct PaceOptions {
  double speed = 1;        ///< seconds of the job that pass in a second of the clock; above 0
  StreamOptions stream{};  ///< how requests are made; its poll is called until the first are
  std::size_t ahead = 4;   ///< batches that are made ahead, from 1 to 1024
};

/// Rows first .. last - 1 of a batch.
struct DueRequests {
  const Batch* batch = nullptr;
  std::size_t first = 0;
  std::size_t last = 0;

  [[nodiscard]] bool empty() const noexcept { return first == last; }
  [[nodiscard]] std::size_t size() const noexcept { return last - first; }
};

/// Hands out requests when they are due. A thread of its own takes batches from a Stream ahead of time, so
/// that taking them here neither locks nor allocates. One consumer.
class PacedStream {
 public:
  /// Returns when the first requests are made. @throws std::invalid_argument, and what a Stream throws; all
  /// members throw std::logic_error if it has been moved from
  explicit PacedStream(const Job& job, PaceOptions options = {});
  ~PacedStream();
  PacedStream(PacedStream&&) noexcept;
  PacedStream& operator=(PacedStream&&) noexcept;

  /// Requests that are due at `now`, in s of the clock since the start, and have not been handed out: those
  /// with timestamps up to now * speed. At most the rest of a batch: call again until it is empty. Valid
  /// until the next call. @throws what making them threw
  [[nodiscard]] DueRequests next_due(double now);
  /// The batch of the requests that were handed out last, for a caller that keeps them.
  [[nodiscard]] std::shared_ptr<const Batch> shared_batch() const;
  /// When the next request is due, in s of the clock; infinity behind the last, and 0 while it is not made
  /// yet.
  /// @throws what making it threw
  [[nodiscard]] double next_time();
  /// Whether all have been handed out.
  [[nodiscard]] bool done();
  /// How often a request was asked for while it was not made yet: the job is made more slowly than it is
  /// paced.
  [[nodiscard]] std::uint64_t starved() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tracetide
#pragma GCC visibility pop
