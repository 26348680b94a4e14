// Worker threads over the windows of a job; results in order, bounded in number.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "engine/prompt_blocks.hpp"
#include "engine/session_spill.hpp"
#include "engine/window.hpp"
#include "tracetide/batch.hpp"
#include "tracetide/job.hpp"

namespace tracetide {

/// Buffers that are reused: memory touched for the first time costs more than making the requests in it.
template <class Buffer>
class Pool : public std::enable_shared_from_this<Pool<Buffer>> {
 public:
  /// A buffer, as its last owner left it, that returns to the pool when its next last owner lets it go.
  [[nodiscard]] std::shared_ptr<Buffer> take() {
    std::unique_ptr<Buffer> buffer;
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        buffer = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (!buffer) buffer = make();
    return {buffer.release(), [pool = this->shared_from_this()](Buffer* done) noexcept {
              std::unique_ptr<Buffer> owned(done);
              const std::lock_guard lock(pool->mutex_);
              pool->free_.push_back(std::move(owned));
            }};
  }

 private:
  // A buffer comes back where nothing may be thrown, so the place that it takes then is made with it.
  [[nodiscard]] std::unique_ptr<Buffer> make() {
    auto buffer = std::make_unique<Buffer>();
    const std::lock_guard lock(mutex_);
    if (free_.capacity() == buffers_) free_.reserve(2 * buffers_ + 1);
    ++buffers_;
    return buffer;
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Buffer>> free_;  // has room for all
  std::size_t buffers_ = 0;
};

/// What a worker has made of one task.
struct Made {
  std::shared_ptr<Batch> batch{};
  std::uint64_t rows = 0;
  std::shared_ptr<Column<char>> text{};  ///< what the pipeline's `finish` made of the batch, if anything
};

/// What is made of every non-empty task on the worker threads, before it is delivered.
using Finish = std::function<void(Made&)>;
/// Called in the order of the trace, one batch at a time: what depends on those before. Must be quick.
using Prepare = std::function<Finish(const Batch&)>;

/// About as many requests are made together of small windows; large ones are cut by it. It decides what a
/// pipeline holds and, where results are given out as they are made, which.
inline constexpr std::uint64_t usual_task_rows = std::uint64_t{1} << 18;

/// Windows first .. last - 1 of a job; at most all of it.
struct WindowRange {
  std::uint64_t first = 0;
  std::uint64_t last = ~std::uint64_t{0};
};

/// A task is a run of small windows, one window, or a slice of a large one. Tasks are claimed in the order of
/// the trace, and only as many are under way as there are places, so the first outstanding one always
/// proceeds.
class Pipeline {
 public:
  /// `poll` is called while the pipeline is made, and in `next`.
  Pipeline(const Job& job, unsigned threads, const Kernels& kernels, Finish finish = {},
           WindowRange range = {}, Poll poll = {}, std::uint64_t task_rows = usual_task_rows);
  Pipeline(const Job& job, unsigned threads, const Kernels& kernels, Prepare prepare, Poll poll = {});
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// The next result that is not empty; nothing at the end. What a worker threw is thrown in the place of its
  /// result: those before are the same whatever the threads.
  [[nodiscard]] std::optional<Made> next() {
    wait();
    return take();
  }
  /// The same in two steps: waits, then takes what is there. The poll is called in the first.
  void wait();
  [[nodiscard]] std::optional<Made> take();
  /// As the first step, without the poll; false on time-out.
  [[nodiscard]] bool wait(std::chrono::milliseconds timeout);
  /// An empty batch from the pipeline's own pool.
  [[nodiscard]] std::shared_ptr<Batch> take_batch();

 private:
  struct Task {
    enum class Kind { history, windows, plan, slice, none };
    Kind kind = Kind::none;
    std::uint64_t sequence = 0;  // windows, slice: their own; history, plan: of the first that needs them
    std::uint64_t first = 0;     // windows: k; plan: client; slice: number
    std::uint64_t last = 0;
    std::int64_t window = 0;  // plan, slice: k; history: the first one
    std::shared_ptr<LargeWindow> large;
  };

  Pipeline(const Job& job, unsigned threads, const Kernels& kernels, Finish finish, Prepare prepare,
           WindowRange range, Poll poll, std::uint64_t task_rows);
  [[nodiscard]] std::unique_ptr<BlockNumbers> number_before(unsigned threads) const;
  [[nodiscard]] Finish prepare_in_order(std::uint64_t sequence, const Batch& batch, const Poller& poller);
  void start(unsigned threads);
  void stop() noexcept;
  void work();
  void fail(std::optional<std::uint64_t> sequence);
  Task claim();
  bool claim_large(Task& task);
  bool claim_history(Task& task);
  void claim_windows(Task& task);
  void make_sessions(std::int64_t first, std::int64_t last, WindowMaker& maker);
  void make_windows(const Task& task, WindowMaker& maker, Batch& batch, RowBlocks* blocks,
                    std::vector<BlockRun>& runs, const Poller& poller);
  void put_blocks(const Task& task, std::vector<BlockRun>& runs, RowBlocks& rows, Batch& batch,
                  const Poller& poller);
  void run(const Task& task, WindowMaker& maker, const Poller& poller);
  void plan_done(std::size_t clients, std::int64_t window, const Poller& poller);
  void deliver(std::uint64_t sequence, Made made);
  bool ready_locked();

  Job job_;
  const Kernels* kernels_;
  Finish finish_;
  Prepare prepare_;
  Poll poll_;
  std::uint64_t task_rows_;
  std::shared_ptr<Pool<Batch>> pool_ = std::make_shared<Pool<Batch>>();

  std::mutex mutex_;
  std::condition_variable work_ready_;
  std::condition_variable result_ready_;
  std::unique_ptr<SessionSpill> spill_;    // where the job has sessions
  std::unique_ptr<BlockNumbers> numbers_;  // where it has hash ids

  // Tasks from this sequence on are not needed any more: one failed, or all are stopped. Written under the
  // mutex; read by work in progress without it.
  std::atomic<std::uint64_t> cancelled_from_ = ~std::uint64_t{0};
  std::exception_ptr failure_;  // of the task `cancelled_from_`

  // Claiming, in the order of the trace.
  std::int64_t next_history_ = 0;  // windows before the range in which sessions start that reach into it
  std::uint64_t first_window_ = 0;
  std::uint64_t next_window_ = 0;
  std::uint64_t end_window_ = 0;
  std::uint64_t next_sequence_ = 0;
  bool all_claimed_ = false;
  std::shared_ptr<LargeWindow> large_;
  std::size_t large_claimed_ = 0;  // clients whose planning has been claimed
  std::size_t large_planned_ = 0;  // clients that have been planned
  std::size_t large_slice_ = 0;    // next slice
  bool large_cut_ = false;

  // Results by sequence modulo their number.
  std::vector<std::optional<Made>> places_;
  std::uint64_t next_delivery_ = 0;

  std::mutex turn_mutex_;  // of prepare_
  std::condition_variable turn_;
  std::uint64_t next_prepared_ = 0;

  std::vector<std::thread> workers_;
};

}  // namespace tracetide
