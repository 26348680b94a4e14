// A stream: the requests of a job, batch by batch, made by worker threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "tracetide/batch.hpp"
#include "tracetide/job.hpp"
#include "tracetide/kernel_level.hpp"
#include "tracetide/poll.hpp"

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

struct StreamOptions {
  unsigned threads = 0;  ///< worker threads; 0: all cores
  /// Rows of every batch but the last; 0: as they are made, without copying. A batch has fewer where its
  /// lists (items and hash ids) reach 2^25 values with them.
  std::size_t batch_size = 0;
  KernelLevel kernels = KernelLevel::best;
  /// Only the requests of windows first_window .. last_window - 1 of the job (default: to its end), as they
  /// are in the whole: a shard. What reaches into it from before is made again; to number hash ids, all
  /// windows before are made as well, when the stream is made.
  std::uint64_t first_window = 0;
  std::optional<std::uint64_t> last_window{};
  /// What Batch::first_request() counts from: of a shard, the sum of Job::window_counts() before it.
  std::uint64_t first_request = 0;
  Poll poll{};  ///< while the stream is made, and while next() and next_shared() wait
};

/// Single consumer. It holds at most threads + 2 pieces that have been made ahead, besides those being made
/// and given out: each of about 2^18 requests, or up to 2^22 of a window that has as many; with a batch size
/// below 2^16 rows, in proportion to it fewer, down to 2^14 (of language, 20 bytes a request).
class Stream {
 public:
  /// @throws std::invalid_argument
  explicit Stream(const Job& job, StreamOptions options = {});
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  /// The next batch, or nullptr at the end. It belongs to the stream and is valid until the next call.
  /// @throws what making it threw, after all that was made before; std::logic_error if it has been moved from
  [[nodiscard]] const Batch* next();
  /// As next(), but the caller owns the batch; its memory is reused once it is released.
  [[nodiscard]] std::shared_ptr<const Batch> next_shared();
  /// Waits at most about `timeout` for a whole batch to be ready or the end; false on time-out. Then next()
  /// does not wait.
  [[nodiscard]] bool wait(std::chrono::milliseconds timeout);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tracetide
#pragma GCC visibility pop
