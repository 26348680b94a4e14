#include "engine/window_arrivals.hpp"

namespace tracetide {

void WindowArrivals::begin(const JobState& job, std::int64_t k) {
  job_ = &job;
  k_ = k;
  window_ = job.window(k);
  cells_ = job.profile.cells(window_.profile_window);
  whole_requests_ = job.factor(k, window_) * (static_cast<double>(job.profile.window_ns()) / 1e9);
  if (job.counts != Counts::servegen)
    curve_.make(job.options.rate_points, window_.start_ns, window_.length_ns);
}

ClientWindow WindowArrivals::client(std::size_t cell, Arrivals what, Counts counts,
                                    std::uint64_t gaps) const noexcept {
  ClientWindow client{.law = job_->gap_tables.law(cells_.family[cell], cells_.shape[cell]),
                      .seed = job_->options.seed,
                      .client = cells_.client[cell],
                      .window = window_.number,
                      .length_ns = window_.length_ns,
                      .counts = counts,
                      .gaps = gaps,
                      .what = what,
                      .curve = curve_.warp()};
  if (job_->counts == Counts::servegen) return client;
  client.noise = job_->profile.rate_noise(client.client);
  client.noise.rho *= job_->options.modulation;
  client.requests = cells_.rate[cell] * whole_requests_;
  client.part = {job_->profile.window_ns(), window_.begin_ns, window_.length_ns};
  return client;
}

}  // namespace tracetide
