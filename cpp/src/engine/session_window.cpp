#include "engine/session_window.hpp"

#include <algorithm>

namespace tracetide {

SessionWindowMaker::SessionWindowMaker(const JobState& job, const Kernels& kernels, Poller& poller)
    : job_(&job),
      plan_(job.sessions.get()),
      arrivals_(kernels, ~std::uint64_t{0}),
      maker_(job.profile, job.samplers, job.coupling, job.copula, job.options.seed, kernels,
             job.block_size != 0 ? &job.templates : nullptr, poller) {}

std::uint64_t SessionWindowMaker::make(std::int64_t k, ArrivalScratch& scratch, SessionParcels& out) {
  blocks_ = 0;
  window_.begin(*job_, k);
  const JobWindow& window = window_.window();
  SessionStarts starts{.window = window.number,
                       .epoch = job_->profile.epoch_of(window.profile_window),
                       .first_id = plan_->first_id(k),
                       .ids_per_start = plan_->ids_per_start,
                       .horizon_ns = plan_->horizon_ns,
                       .time_ns = {}};
  for_each_start(*job_, *plan_, k, window, [&](std::size_t cell, std::uint64_t count) {
    const ClientWindow client = window_.client(cell, Arrivals::sessions, Counts::pinned, count);
    arrivals_.make(client, scratch);
    times_.resize(arrivals_.size());
    arrivals_.times(times_.data(), scratch);
    for (std::int64_t& time : times_) time += window.start_ns;
    starts.client = client.client;
    starts.time_ns = times_;
    maker_.make(starts, [&](std::size_t first, const SessionRows& rows, std::span<const std::size_t> ends) {
      deal(k, starts, first, rows, ends, out);
    });
    starts.first_id += count * starts.ids_per_start;
  });
  return blocks_;
}

void SessionWindowMaker::deal(std::int64_t k, const SessionStarts& starts, std::size_t first,
                              const SessionRows& rows, std::span<const std::size_t> ends,
                              SessionParcels& out) {
  const auto windows = static_cast<std::int64_t>(job_->windows);
  std::int64_t last = k;
  SessionRows* parcel = nullptr;
  std::size_t row = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    std::int64_t limit = windows;
    if (plan_->cuts) {
      const StreamKey stream{job_->options.seed, starts.client, starts.window,
                             static_cast<std::uint8_t>(Purpose::session_cut)};
      limit = cut(k, (stream_word(stream, first + i) + 0.5) * 0x1p-32,
                  std::min(windows - 1, job_->window_at(starts.time_ns[first + i] + starts.horizon_ns)));
    }
    dealt_.clear();
    for (; row < ends[i]; ++row) {
      const std::int64_t time = rows.row[row].time_ns;
      if (time < 0 || time >= job_->duration_ns) continue;
      const std::int64_t at = job_->window_at(time);
      if (at < limit) dealt_.push_back({row, at, {}});
    }
    if (!rows.blocks_of.empty()) number_blocks(k, rows);
    for (const Dealt& dealt : dealt_) {
      if (parcel == nullptr || dealt.window != last) parcel = &out[dealt.window];
      last = dealt.window;
      parcel->add(rows.row[dealt.row], rows);
      if (!rows.blocks_of.empty()) parcel->blocks_of.back() = dealt.blocks;
    }
  }
}

// Chain by chain: its whole blocks, which the last of its turns has all, then what is left of each turn.
void SessionWindowMaker::number_blocks(std::int64_t k, const SessionRows& rows) {
  chains_.clear();
  for (Dealt& dealt : dealt_) {
    const SessionRow& row = rows.row[dealt.row];
    dealt.blocks = rows.blocks_of[row.blocks];
    if (chains_.size() <= dealt.blocks.chain) chains_.resize(dealt.blocks.chain + 1);
    Chain& chain = chains_[dealt.blocks.chain];
    const std::uint64_t whole = row.input / job_->block_size - job_->templates.blocks(dealt.blocks.prompt);
    chain.whole = std::max(chain.whole, whole);
    chain.left += row.input % job_->block_size != 0 ? 1 : 0;
  }
  for (Chain& chain : chains_) {
    chain.first = blocks_;
    blocks_ += chain.whole + chain.left;
    chain.left = 0;
  }
  for (Dealt& dealt : dealt_) {
    Chain& chain = chains_[dealt.blocks.chain];
    dealt.blocks.window = k;
    dealt.blocks.first = chain.first;
    dealt.blocks.tail = chain.first + chain.whole + chain.left;
    chain.left += rows.row[dealt.row].input % job_->block_size != 0 ? 1 : 0;
  }
}

std::int64_t SessionWindowMaker::cut(std::int64_t k, double uniform, std::int64_t last) const {
  std::int64_t window = k;
  while (window <= last && uniform < plan_->theta(window)) ++window;
  return window;
}

}  // namespace tracetide
