// What decides the arrivals of the clients of one window of a job.
#pragma once

#include "arrivals/arrival_plan.hpp"
#include "engine/job_state.hpp"
#include "engine/rate_points.hpp"

namespace tracetide {

/// Reusable. Client windows point to the curve in here, so it stays where it is while they are used.
class WindowArrivals {
 public:
  WindowArrivals() = default;
  WindowArrivals(const WindowArrivals&) = delete;
  WindowArrivals& operator=(const WindowArrivals&) = delete;

  void begin(const JobState& job, std::int64_t k);
  [[nodiscard]] const JobWindow& window() const noexcept { return window_; }

  /// Of the client of a cell of the window, in the pinned and servegen modes with this number of gaps.
  [[nodiscard]] ClientWindow client(std::size_t cell, Arrivals what, Counts counts,
                                    std::uint64_t gaps) const noexcept;

  /// Calls visit(ClientWindow) for every client that can have requests that stand alone.
  template <class Visit>
  void for_each_client(Visit&& visit) const;

 private:
  const JobState* job_ = nullptr;
  std::int64_t k_ = 0;
  JobWindow window_{};
  WindowCells cells_{};
  double whole_requests_ = 0;  ///< expected in a whole window, for each request/s of the profile
  RateCurve curve_{};
};

template <class Visit>
void WindowArrivals::for_each_client(Visit&& visit) const {
  const double seconds = static_cast<double>(window_.length_ns) / 1e9;
  const Counts counts = job_->counts;
  tracetide::for_each_client(*job_, k_, window_, [&](std::size_t cell, double expected, std::uint64_t gaps) {
    if (counts == Counts::renewal ? !(expected > 0) : gaps == 0) return;
    ClientWindow client = this->client(cell, Arrivals::requests, counts, gaps);
    client.rate = expected / seconds;
    visit(client);
  });
}

}  // namespace tracetide
