// Makes the requests of windows: all of one, or a slice of one that is too large for its share of memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "arrivals/arrival_plan.hpp"
#include "engine/job_state.hpp"
#include "engine/merge.hpp"
#include "engine/prompt_blocks.hpp"
#include "engine/session_window.hpp"
#include "engine/window_arrivals.hpp"
#include "tracetide/batch.hpp"

namespace tracetide {

/// The arrivals of every client in a large window; of a very large one without the gaps: slices make those
/// again.
/// Filled by any number of threads (`plan_clients`), then cut, then read by any number.
class LargeWindow {
 public:
  LargeWindow(const JobState& job, std::int64_t k, const Kernels& kernels);

  [[nodiscard]] std::size_t clients() const noexcept { return plans_.size(); }
  /// A step for each client, and one where there is none.
  [[nodiscard]] std::size_t planning_steps() const noexcept { return std::max<std::size_t>(1, clients()); }
  void plan_clients(std::size_t first, std::size_t last, ArrivalScratch& scratch);
  /// Chooses slices of about `rows` requests, at times where blocks of gaps start; where requests have long
  /// lists, also at others.
  void cut(std::uint64_t rows);

  /// Requests of sessions that lie in the window, before it is cut.
  void set_sessions(SessionRows rows) { sessions_ = std::move(rows); }
  [[nodiscard]] std::span<const SessionRow> sessions(const MergeRange& range) const noexcept;
  [[nodiscard]] const SessionRows& all_sessions() const noexcept { return sessions_; }

  [[nodiscard]] std::size_t slices() const noexcept { return cuts_.size() - 1; }
  [[nodiscard]] MergeRange range(std::size_t slice) const noexcept;
  [[nodiscard]] const std::vector<ArrivalPlan>& plans() const noexcept { return plans_; }

 private:
  WindowArrivals arrivals_{};
  MergeRange whole_{};
  std::vector<ClientWindow> windows_;
  std::vector<ArrivalPlan> plans_;
  SessionRows sessions_{};
  std::vector<std::int64_t> cuts_;
};

/// Reusable; one per thread.
class WindowMaker {
 public:
  /// `poller` is told of the work, and outlives this.
  WindowMaker(const JobState& job, const Kernels& kernels, Poller& poller);

  /// The requests of the sessions that start in windows first .. last - 1, by window. Only for a job with
  /// sessions.
  /// `blocks` gets how many blocks of prompts are numbered from each window's first on.
  void make_sessions(std::int64_t first, std::int64_t last, SessionParcels& out,
                     std::vector<std::uint64_t>& blocks);
  /// Appends the requests of window k of the job, where `sessions` are those of sessions, in order; also to
  /// `blocks`, which is null where the job has no hash ids.
  void make(std::int64_t k, const SessionRows& sessions, Columns& out, RowBlocks* blocks);
  void make_slice(const LargeWindow& window, std::size_t slice, Columns& out, RowBlocks* blocks);
  [[nodiscard]] ArrivalScratch& scratch() noexcept { return scratch_; }

 private:
  const JobState* job_;
  void finish(std::size_t begin, std::span<const SessionRow> rows, const SessionRows& sessions, Columns& out,
              RowBlocks* blocks);

  WindowArrivals arrivals_{};
  ArrivalPlan plan_;
  ArrivalScratch scratch_;
  Merger merger_;
  std::vector<ClientRun> runs_;
  Column<std::int64_t> times_;
  std::optional<SessionWindowMaker> sessions_;
};

/// Requests that the slices of a large window aim at, for a number of active clients and the weight of a
/// request (see list_weights). Every slice makes up to a block of gaps a client in vain, so slices grow with
/// the clients.
[[nodiscard]] std::uint64_t rows_per_slice(std::size_t clients, std::uint64_t task_rows,
                                           double weight) noexcept;

}  // namespace tracetide
