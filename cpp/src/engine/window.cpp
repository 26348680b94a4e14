#include "engine/window.hpp"

#include <algorithm>

#include "engine/session_merge.hpp"

namespace tracetide {
namespace {

MergeRange whole_range(const JobState& job, const JobWindow& window) {
  return {.from_ns = 0,
          .to_ns = window.length_ns,
          .window_start_ns = window.start_ns,
          .window = window.number,
          .epoch = job.profile.epoch_of(window.profile_window)};
}

// Up to this many gaps of a large window are kept (128 MB); beyond, slices make them again.
constexpr std::uint64_t most_kept_gaps = std::uint64_t{1} << 24;
constexpr std::uint64_t keep_all = ~std::uint64_t{0};
constexpr std::uint64_t least_slice = std::uint64_t{1} << 20;  // requests without long lists
// Slices that are cut by time, at most about.
constexpr std::uint64_t most_parts = std::uint64_t{1} << 20;

}  // namespace

std::uint64_t rows_per_slice(std::size_t clients, std::uint64_t task_rows, double weight) noexcept {
  const auto rows = std::clamp<std::uint64_t>(128 * clients, 4 * task_rows, std::uint64_t{1} << 22);
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(static_cast<double>(rows) / weight));
}

LargeWindow::LargeWindow(const JobState& job, std::int64_t k, const Kernels& kernels) {
  arrivals_.begin(job, k);
  whole_ = whole_range(job, arrivals_.window());
  arrivals_.for_each_client([&](const ClientWindow& client) { windows_.push_back(client); });
  std::uint64_t gaps = 0;
  for (const ClientWindow& client : windows_) gaps += client.gaps;
  plans_.assign(windows_.size(), ArrivalPlan(kernels, gaps <= most_kept_gaps ? keep_all : 0));
}

void LargeWindow::plan_clients(std::size_t first, std::size_t last, ArrivalScratch& scratch) {
  for (std::size_t i = first; i < std::min(last, clients()); ++i) plans_[i].make(windows_[i], scratch);
}

void LargeWindow::cut(std::uint64_t rows) {
  std::vector<std::int64_t> starts;
  std::uint64_t requests = sessions_.row.size();
  for (const ArrivalPlan& plan : plans_) {
    requests += plan.size();
    for (std::size_t block = 0; block < plan.blocks(); ++block) starts.push_back(plan.block_start(block));
  }
  for (std::size_t row = 0; row < sessions_.row.size(); row += gaps_per_block)
    starts.push_back(sessions_.row[row].time_ns - whole_.window_start_ns);
  std::sort(starts.begin(), starts.end());
  cuts_.assign(1, 0);
  const std::size_t step = std::max<std::size_t>(1, rows / gaps_per_block);
  for (std::size_t i = step; i < starts.size(); i += step) {
    if (starts[i] > cuts_.back() && starts[i] < whole_.to_ns) cuts_.push_back(starts[i]);
  }
  // With long lists blocks are too far apart: equal parts of the time between them.
  const std::uint64_t pieces = std::min(requests / rows, most_parts) / cuts_.size();
  cuts_.push_back(whole_.to_ns);
  if (pieces < 2 || rows >= least_slice) return;
  std::vector<std::int64_t> finer;
  for (std::size_t i = 0; i + 1 < cuts_.size(); ++i) {
    const std::int64_t length = cuts_[i + 1] - cuts_[i];
    const auto parts = std::clamp<std::int64_t>(static_cast<std::int64_t>(pieces), 1, length);
    for (std::int64_t part = 0; part < parts; ++part)
      finer.push_back(cuts_[i] + length / parts * part + std::min(part, length % parts));
  }
  finer.push_back(whole_.to_ns);
  cuts_ = std::move(finer);
}

std::span<const SessionRow> LargeWindow::sessions(const MergeRange& range) const noexcept {
  const auto first_from = [&](std::int64_t ns) {
    return std::ranges::lower_bound(sessions_.row, range.window_start_ns + ns, {}, &SessionRow::time_ns);
  };
  return {first_from(range.from_ns), first_from(range.to_ns)};
}

MergeRange LargeWindow::range(std::size_t slice) const noexcept {
  MergeRange range = whole_;
  range.from_ns = cuts_[slice];
  range.to_ns = cuts_[slice + 1];
  return range;
}

WindowMaker::WindowMaker(const JobState& job, const Kernels& kernels, Poller& poller)
    : job_(&job),
      plan_(kernels, keep_all),
      merger_(job.profile, job.samplers, job.coupling, job.copula, job.options.seed, kernels, job.templates) {
  scratch_.poller = &poller;
  if (job.sessions) sessions_.emplace(job, kernels, poller);
}

void WindowMaker::make_sessions(std::int64_t first, std::int64_t last, SessionParcels& out,
                                std::vector<std::uint64_t>& blocks) {
  blocks.clear();
  for (std::int64_t k = first; k < last; ++k) blocks.push_back(sessions_->make(k, scratch_, out));
}

void WindowMaker::finish(std::size_t begin, std::span<const SessionRow> rows, const SessionRows& sessions,
                         Columns& out, RowBlocks* blocks) {
  if (blocks != nullptr) blocks->set_alone(begin, out.timestamp.size());
  if (sessions_) merge_sessions(rows, sessions, job_->profile.category(), begin, out, blocks);
}

void WindowMaker::make(std::int64_t k, const SessionRows& sessions, Columns& out, RowBlocks* blocks) {
  const std::size_t begin_of_window = out.timestamp.size();
  arrivals_.begin(*job_, k);
  runs_.clear();
  times_.clear();
  arrivals_.for_each_client([&](const ClientWindow& client) {
    plan_.make(client, scratch_);
    if (plan_.size() == 0) return;
    const std::size_t begin = times_.size();
    times_.resize(begin + plan_.size());
    plan_.times(times_.data() + begin, scratch_);
    runs_.push_back({client.client, 0, begin, times_.size()});
  });
  merger_.merge(whole_range(*job_, arrivals_.window()), runs_, times_, out,
                blocks != nullptr ? &blocks->prompt : nullptr);
  finish(begin_of_window, sessions.row, sessions, out, blocks);
}

void WindowMaker::make_slice(const LargeWindow& window, std::size_t slice, Columns& out, RowBlocks* blocks) {
  const MergeRange range = window.range(slice);
  const std::size_t begin = out.timestamp.size();
  runs_.clear();
  times_.clear();
  for (const ArrivalPlan& plan : window.plans()) {
    scratch_.did(gaps_per_block);
    const std::size_t first = times_.size();
    const std::uint64_t rank = plan.times_between(range.from_ns, range.to_ns, times_, scratch_);
    if (times_.size() != first) runs_.push_back({plan.client(), rank, first, times_.size()});
  }
  merger_.merge(range, runs_, times_, out, blocks != nullptr ? &blocks->prompt : nullptr);
  finish(begin, window.sessions(range), window.all_sessions(), out, blocks);
}

}  // namespace tracetide
