#include "engine/session_window.hpp"

#include <algorithm>

namespace tracetide {

SessionWindowMaker::SessionWindowMaker(const Job::State& job, const Kernels& kernels)
    : job_(&job),
      plan_(job.sessions.get()),
      arrivals_(kernels, ~std::uint64_t{0}),
      maker_(job.profile, job.samplers, job.coupling, job.copula, job.options.seed, kernels) {}

void SessionWindowMaker::make(std::int64_t k, ArrivalScratch& scratch, SessionParcels& out) {
  const JobWindow window = job_->window(k);
  const WindowCells cells = job_->profile.cells(window.profile_window);
  SessionStarts starts{.window = window.number,
                       .epoch = job_->profile.epoch_of(window.profile_window),
                       .first_id = plan_->first_id(k),
                       .ids_per_start = plan_->ids_per_start,
                       .horizon_ns = plan_->horizon_ns,
                       .time_ns = {}};
  for_each_start(*job_, *plan_, k, window, [&](std::size_t cell, std::uint64_t count) {
    scratch.check_cancelled();
    arrivals_.make({.law = make_gap_law(cells.family[cell], cells.shape[cell]),
                    .seed = job_->options.seed,
                    .client = cells.client[cell],
                    .window = window.number,
                    .length_ns = window.length_ns,
                    .counts = Counts::pinned,
                    .gaps = count,
                    .what = Arrivals::sessions},
                   scratch);
    times_.resize(arrivals_.size());
    arrivals_.times(times_.data(), scratch);
    for (std::int64_t& time : times_) time += window.start_ns;
    starts.client = cells.client[cell];
    starts.time_ns = times_;
    maker_.make(starts, [&](std::size_t first, const SessionRows& rows, std::span<const std::size_t> ends) {
      deal(k, starts, first, rows, ends, out);
    });
    starts.first_id += count * starts.ids_per_start;
  });
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
    for (; row < ends[i]; ++row) {
      const std::int64_t time = rows.row[row].time_ns;
      if (time < 0 || time >= job_->duration_ns) continue;
      const std::int64_t at = job_->window_at(time);
      if (at >= limit) continue;
      if (parcel == nullptr || at != last) parcel = &out[at];
      last = at;
      parcel->add(rows.row[row], rows);
    }
  }
}

std::int64_t SessionWindowMaker::cut(std::int64_t k, double uniform, std::int64_t last) const {
  std::int64_t window = k;
  while (window <= last && uniform < plan_->theta(window)) ++window;
  return window;
}

}  // namespace tracetide
