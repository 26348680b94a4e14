#include "engine/pipeline.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "base/access.hpp"
#include "engine/columns.hpp"
#include "engine/threads.hpp"

namespace tracetide {
namespace {

// Small windows are made together up to this many, so that a long idle time does not hold a task up.
constexpr std::uint64_t windows_per_task = 1024;
// Windows with more expected requests than this many tasks are made in slices.
constexpr std::uint64_t whole_window_tasks = 8;
constexpr std::size_t clients_per_plan = 8;
constexpr std::int64_t windows_per_history = 4;
constexpr unsigned most_threads = 1024;

}  // namespace

std::shared_ptr<Batch> Pipeline::take_batch() {
  std::shared_ptr<Batch> batch = pool_->take();
  clear(Access::columns(*batch));
  Access::reset(*batch, job_.profile().category(), 0, job_.optional_columns());
  return batch;
}

Pipeline::Pipeline(const Job& job, unsigned threads, const Kernels& kernels, Finish finish, WindowRange range,
                   Poll poll, std::uint64_t task_rows)
    : Pipeline(job, threads, kernels, std::move(finish), {}, range, std::move(poll), task_rows) {}

Pipeline::Pipeline(const Job& job, unsigned threads, const Kernels& kernels, Prepare prepare, Poll poll)
    : Pipeline(job, threads, kernels, {}, std::move(prepare), {}, std::move(poll), usual_task_rows) {}

Pipeline::Pipeline(const Job& job, unsigned threads, const Kernels& kernels, Finish finish, Prepare prepare,
                   WindowRange range, Poll poll, std::uint64_t task_rows)
    : job_(job),
      kernels_(&kernels),
      finish_(std::move(finish)),
      prepare_(std::move(prepare)),
      poll_(std::move(poll)),
      task_rows_(task_rows),
      first_window_(range.first),
      next_window_(range.first),
      end_window_(std::min(range.last, job.windows())) {
  if (range.first >= end_window_) {
    throw std::invalid_argument("windows: " + std::to_string(range.first) + " to " +
                                std::to_string(range.last) + " are not allowed; the job has " +
                                std::to_string(job.windows()));
  }
  if (threads > most_threads) {
    throw std::invalid_argument("threads: " + std::to_string(threads) +
                                " is not allowed; it must be 0 (all cores) to " +
                                std::to_string(most_threads));
  }
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  next_history_ = static_cast<std::int64_t>(first_window_);
  if (const auto& sessions = Access::state(job_).sessions) {
    next_history_ += sessions->first_window;
    spill_ = std::make_unique<SessionSpill>(next_history_, static_cast<std::int64_t>(first_window_),
                                            static_cast<std::int64_t>(end_window_));
  }
  if (job_.block_size() != 0) numbers_ = number_before(threads);
  places_.resize(threads + 2);
  start(threads);
}

void Pipeline::start(unsigned threads) {
  workers_.reserve(threads);
  try {
    for (unsigned i = 0; i < threads; ++i) workers_.push_back(start_thread([this] { work(); }));
  } catch (...) {
    stop();
    throw;
  }
}

void Pipeline::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    cancelled_from_ = 0;
  }
  work_ready_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

// Numbers all blocks before the range.
std::unique_ptr<BlockNumbers> Pipeline::number_before(unsigned threads) const {
  const JobState& job = Access::state(job_);
  if (first_window_ == 0) {
    const std::int64_t first = job.sessions ? job.sessions->first_window : 0;
    return std::make_unique<BlockNumbers>(job.templates.all_blocks(), first);
  }
  Pipeline before(job_, threads, *kernels_, {}, {0, first_window_}, poll_);
  while (before.next()) {
  }
  before.numbers_->restart();
  return std::move(before.numbers_);
}

Pipeline::~Pipeline() { stop(); }

void Pipeline::work() {
  std::optional<std::uint64_t> sequence;
  try {
    Poller poller([&] {
      if (sequence.value_or(0) >= cancelled_from_.load(std::memory_order_relaxed)) throw Cancelled{};
    });
    WindowMaker maker(Access::state(job_), *kernels_, poller);
    for (Task task = claim(); task.kind != Task::Kind::none; task = claim()) {
      sequence = task.sequence;
      run(task, maker, poller);
    }
  } catch (const Cancelled&) {
    return;
  } catch (...) {
    fail(sequence);
  }
}

// The tasks before have been claimed by others, which go on with them. Without a task: what nobody has
// claimed.
void Pipeline::fail(std::optional<std::uint64_t> sequence) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t at = sequence.value_or(next_sequence_);
  const bool is_needed = !all_claimed_ || large_ || at < next_sequence_;
  if (at >= cancelled_from_ || !is_needed) return;
  cancelled_from_ = at;
  failure_ = std::current_exception();
  work_ready_.notify_all();
  result_ready_.notify_all();
}

Pipeline::Task Pipeline::claim() {
  std::unique_lock lock(mutex_);
  for (;;) {
    Task task;
    if (next_sequence_ >= cancelled_from_ || (all_claimed_ && !large_)) return task;
    if (claim_history(task)) return task;
    if (large_) {
      if (claim_large(task)) return task;
    } else if (next_sequence_ < next_delivery_ + places_.size()) {
      claim_windows(task);
      if (task.kind != Task::Kind::none) return task;
      continue;  // a large window has begun, or all windows have been claimed
    }
    work_ready_.wait(lock);
  }
}

// Some windows at a time, as the first results wait for all of them.
bool Pipeline::claim_history(Task& task) {
  const auto end = static_cast<std::int64_t>(first_window_);
  if (next_history_ >= end) return false;
  task.kind = Task::Kind::history;
  task.sequence = next_sequence_;
  task.window = next_history_;
  next_history_ = std::min(end, next_history_ + windows_per_history);
  return true;
}

// Work on the large window at hand: planning first, which needs no place; then slices. False: wait.
bool Pipeline::claim_large(Task& task) {
  if (large_claimed_ < large_->planning_steps()) {
    task.kind = Task::Kind::plan;
    task.sequence = next_sequence_;
    task.large = large_;
    task.first = large_claimed_;
    large_claimed_ = std::min(large_->planning_steps(), large_claimed_ + clients_per_plan);
    task.last = large_claimed_;
    task.window = static_cast<std::int64_t>(next_window_) - 1;
    return true;
  }
  if (!large_cut_ || next_sequence_ >= next_delivery_ + places_.size()) return false;
  task.kind = Task::Kind::slice;
  task.large = large_;
  task.first = large_slice_++;
  task.window = static_cast<std::int64_t>(next_window_) - 1;
  task.sequence = next_sequence_++;
  if (large_slice_ == large_->slices()) large_.reset();
  return true;
}

void Pipeline::claim_windows(Task& task) {
  const JobState& job = Access::state(job_);
  double rows = 0;
  const std::uint64_t first = next_window_;
  while (next_window_ < end_window_ && next_window_ - first < windows_per_task &&
         rows < static_cast<double>(task_rows_)) {
    const auto k = static_cast<std::int64_t>(next_window_);
    const JobWindow window = job.window(k);
    const bool active = job.kept_rate[window.profile_window] > 0;
    const double expected =
        active ? job.target_rate(k, window) * static_cast<double>(window.length_ns) / 1e9 : 0.0;
    const double weight = job.list_weight(window.profile_window);
    if (expected * weight > static_cast<double>(whole_window_tasks * task_rows_)) {
      if (next_window_ != first) break;
      large_ = std::make_shared<LargeWindow>(job, k, *kernels_);
      ++next_window_;
      large_claimed_ = large_planned_ = large_slice_ = 0;
      large_cut_ = false;
      all_claimed_ = next_window_ == end_window_;
      work_ready_.notify_all();
      return;
    }
    rows += expected * weight;
    ++next_window_;
  }
  all_claimed_ = next_window_ == end_window_;
  if (next_window_ == first) return;
  task.kind = Task::Kind::windows;
  task.first = first;
  task.last = next_window_;
  task.sequence = next_sequence_++;
}

void Pipeline::run(const Task& task, WindowMaker& maker, const Poller& poller) {
  if (task.kind == Task::Kind::history) {
    const auto end = static_cast<std::int64_t>(first_window_);
    make_sessions(task.window, std::min(end, task.window + windows_per_history), maker);
    return;
  }
  if (task.kind == Task::Kind::plan) {
    if (task.first == 0) make_sessions(task.window, task.window + 1, maker);
    task.large->plan_clients(task.first, task.last, maker.scratch());
    plan_done(task.last - task.first, task.window, poller);
    return;
  }
  Made made;
  made.batch = take_batch();
  RowBlocks blocks;
  std::vector<BlockRun> runs;
  make_windows(task, maker, *made.batch, numbers_ ? &blocks : nullptr, runs, poller);
  if (numbers_) put_blocks(task, runs, blocks, *made.batch, poller);
  put_payload_bytes(job_.options().payload_bytes, Access::columns(*made.batch));
  made.rows = made.batch->size();
  const Finish finish = prepare_ ? prepare_in_order(task.sequence, *made.batch, poller) : finish_;
  if (finish && made.rows != 0) finish(made);
  deliver(task.sequence, std::move(made));
}

// Tasks are claimed in order, so the one whose turn it is proceeds.
Finish Pipeline::prepare_in_order(std::uint64_t sequence, const Batch& batch, const Poller& poller) {
  Finish finish;
  {
    std::unique_lock lock(turn_mutex_);
    while (!turn_.wait_for(lock, poll_interval, [&] { return next_prepared_ == sequence; })) poller.now();
    if (batch.size() != 0) finish = prepare_(batch);
    ++next_prepared_;
  }
  turn_.notify_all();
  return finish;
}

void Pipeline::make_windows(const Task& task, WindowMaker& maker, Batch& batch, RowBlocks* blocks,
                            std::vector<BlockRun>& runs, const Poller& poller) {
  if (task.kind == Task::Kind::slice) {
    maker.make_slice(*task.large, task.first, Access::columns(batch), blocks);
    runs.push_back({.window = task.window, .begins = task.first == 0, .last_row = batch.size()});
    return;
  }
  make_sessions(static_cast<std::int64_t>(task.first), static_cast<std::int64_t>(task.last), maker);
  for (std::uint64_t k = task.first; k < task.last; ++k) {
    const auto window = static_cast<std::int64_t>(k);
    const SessionRows sessions = spill_ ? spill_->take(window, poller) : SessionRows{};
    const std::size_t first_row = batch.size();
    maker.make(window, sessions, Access::columns(batch), blocks);
    runs.push_back({.window = window, .first_row = first_row, .last_row = batch.size()});
  }
}

void Pipeline::put_blocks(const Task& task, std::vector<BlockRun>& runs, RowBlocks& rows, Batch& batch,
                          const Poller& poller) {
  const JobState& job = Access::state(job_);
  for (BlockRun& run : runs)
    run.alone_blocks =
        count_alone_blocks(batch, job.templates, job.block_size, run.first_row, run.last_row, rows);
  const std::int64_t horizon = job.sessions ? job.sessions->first_window : 0;
  const std::int64_t starts_from = runs.front().window + horizon;
  std::vector<std::uint64_t> starts;
  numbers_->number(task.sequence, runs, starts_from, starts, poller);
  put_hash_ids(runs, rows, job.templates, job.block_size, starts_from, starts, batch);
}

// Those that start in windows first .. last - 1. Tasks do this before they wait for what others start, and
// are claimed in order, so that no two wait for each other.
void Pipeline::make_sessions(std::int64_t first, std::int64_t last, WindowMaker& maker) {
  if (!spill_) return;
  SessionParcels parcels;
  std::vector<std::uint64_t> blocks;
  maker.make_sessions(first, last, parcels, blocks);
  if (numbers_) {
    for (std::int64_t k = first; k < last; ++k)
      numbers_->set_session_blocks(k, blocks[static_cast<std::size_t>(k - first)]);
  }
  spill_->put(first, last, parcels);
}

void Pipeline::plan_done(std::size_t clients, std::int64_t window, const Poller& poller) {
  std::shared_ptr<LargeWindow> complete;
  {
    const std::lock_guard lock(mutex_);
    large_planned_ += clients;
    if (large_planned_ == large_->planning_steps()) complete = large_;
  }
  if (!complete) return;
  if (spill_) complete->set_sessions(spill_->take(window, poller));
  const JobState& job = Access::state(job_);
  const double weight = job.list_weight(job.window(window).profile_window);
  complete->cut(rows_per_slice(complete->clients(), task_rows_, weight));
  {
    const std::lock_guard lock(mutex_);
    large_cut_ = true;
  }
  work_ready_.notify_all();
}

void Pipeline::deliver(std::uint64_t sequence, Made made) {
  const std::lock_guard lock(mutex_);
  places_[sequence % places_.size()] = std::move(made);
  if (sequence == next_delivery_) result_ready_.notify_all();
}

// Also lets go of results without requests.
bool Pipeline::ready_locked() {
  for (;;) {
    std::optional<Made>& place = places_[next_delivery_ % places_.size()];
    if (!place) break;
    if (place->rows != 0) return true;
    place.reset();
    ++next_delivery_;
    work_ready_.notify_all();
  }
  return (failure_ && next_delivery_ == cancelled_from_) ||
         (all_claimed_ && !large_ && next_delivery_ == next_sequence_);
}

bool Pipeline::wait(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return result_ready_.wait_for(lock, timeout, [this] { return ready_locked(); });
}

void Pipeline::wait() {
  do {
    if (poll_) poll_();
  } while (!wait(poll_interval));
}

std::optional<Made> Pipeline::take() {
  const std::lock_guard lock(mutex_);
  std::optional<Made>& place = places_[next_delivery_ % places_.size()];
  if (!place) {
    if (failure_) std::rethrow_exception(failure_);
    return std::nullopt;
  }
  Made made = std::move(*place);
  place.reset();
  ++next_delivery_;
  work_ready_.notify_all();
  return made;
}

}  // namespace tracetide
