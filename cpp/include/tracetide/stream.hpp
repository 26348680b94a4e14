// A stream: the requests of a job, batch by batch, made by worker threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tracetide/batch.hpp"
#include "tracetide/job.hpp"

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

struct StreamOptions {
  unsigned threads = 0;        ///< worker threads; 0: all cores
  /// Rows of every batch but the last; 0: as they are made, without copying. A batch has fewer where its lists
  /// (items and hash ids) reach 2^25 values with them.
  std::size_t batch_size = 0;
  std::string kernels{};       ///< instruction-set level to force (see kernel_levels()); "": the best
  /// Only the requests of windows first_window .. last_window - 1 of the job (default: to its end), as they
  /// are in the whole: a shard. What reaches into it from before is made again; to number hash ids, all
  /// windows before are made as well, when the stream is made.
  std::uint64_t first_window = 0;
  std::optional<std::uint64_t> last_window{};
  /// What Batch::first_request() counts from: of a shard, the sum of Job::window_counts() before it.
  std::uint64_t first_request = 0;
};

/// Levels that this machine can run, best first: "x86-64-v4", "x86-64-v3", "baseline".
[[nodiscard]] std::vector<std::string> kernel_levels();

/// Single consumer. The memory in use is bounded by the profile, the batch size and the threads.
class Stream {
 public:
  /// @throws std::invalid_argument
  explicit Stream(const Job& job, StreamOptions options = {});
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  /// The next batch, or nullptr at the end. It belongs to the stream and is valid until the next call.
  [[nodiscard]] const Batch* next();
  /// As next(), but the caller owns the batch; its memory is reused once it is released.
  [[nodiscard]] std::shared_ptr<const Batch> next_shared();
  /// Waits at most about `timeout` for a whole batch to be ready or the end; false on time-out. For callers
  /// that must look after something else meanwhile, such as a signal.
  [[nodiscard]] bool wait(std::chrono::milliseconds timeout);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tracetide
#pragma GCC visibility pop
