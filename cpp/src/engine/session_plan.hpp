// How sessions share the rate of a job with the requests that stand alone.
//
// A client whose requests belong to sessions with probability p starts p / m sessions for each of its
// requests, m being the expected requests of a session. Where a session's requests fall is known on average
// (SessionKernel), and so is R, what sessions bring to a window. The requests that stand alone, shared among
// the clients as (1 - p) times their rate, are what is left of the window's rate: the total is met exactly
// in expectation, however the rate moves. Where the rate falls faster than sessions end (R would be above
// it), sessions are cut: one goes on up to window w if its uniform is below theta(u) for all windows u from
// its start to w, theta(u) being the rate's part of the uncut R. Then R is at most the rate, in every window.
#pragma once

#include <cstdint>
#include <vector>

#include "base/poller.hpp"
#include "engine/job_state.hpp"
#include "kernels/kernels.hpp"
#include "sessions/session_kernel.hpp"

namespace tracetide {

struct SessionPlan {
  std::vector<double> starts_per_request{};  ///< by client: p / m; 0 without sessions
  std::vector<double> alone{};               ///< by client: 1 - p, never quite 0
  std::int64_t first_window = 0;  ///< from which on sessions are made: as many before 0 as the horizon covers
  std::int64_t horizon_ns = 0;    ///< after its start, by which a session ends; at most session_horizon_ns
  std::uint64_t ids_per_start = 1;
  bool cuts = false;  ///< whether any theta is below 1

  SessionPlan(const JobState& job, const Kernels& kernels, Poller& poller);

  /// Factor on (1 - p) times a client's rate for its requests that stand alone. Window k of the job.
  [[nodiscard]] double alone_factor(std::int64_t k) const noexcept;
  [[nodiscard]] double theta(std::int64_t k) const noexcept { return at(theta_, k); }
  /// Id of the first session that starts in a window.
  [[nodiscard]] std::uint64_t first_id(std::int64_t k) const noexcept;

 private:
  struct Model {
    std::uint32_t number = 0;
    double requests = 1;
    double draws = 1;
    std::vector<double> share{};  ///< by profile window: starts a second at the profile's own rates
    SessionKernel kernel{};
    std::vector<double> reach{};  ///< requests of a session i whole windows after that of its start
  };

  void find_models(const JobState& job);
  void sample_kernels(const JobState& job, const Kernels& kernels, Poller& poller);
  void find_extent(const JobState& job);
  void fill(const JobState& job, Poller& poller);
  [[nodiscard]] double starts(const JobState& job, const Model& model, std::int64_t k) const;
  [[nodiscard]] double arriving(const JobState& job, std::int64_t k, const JobWindow& to, bool cut,
                                Poller& poller) const;
  [[nodiscard]] double at(const std::vector<double>& values, std::int64_t k) const noexcept {
    return values[index(k)];
  }
  [[nodiscard]] std::size_t index(std::int64_t k) const noexcept;

  std::vector<Model> models_{};
  std::vector<std::size_t> model_of_{};  // by client
  // Where the rate follows the profile, windows of all passes are alike: one pass is kept. Else all windows.
  bool periodic_ = false;
  std::int64_t origin_ = 0;  ///< the first window that is kept
  std::int64_t horizon_windows_ = 0;
  std::int64_t last_window_ = 0;
  std::vector<double> theta_{};
  std::vector<double> alone_factor_{};
  double last_alone_factor_ = 1;               ///< of the job's last window, which can be shorter
  std::vector<std::vector<double>> starts_{};  ///< by model and window
  std::vector<std::uint64_t> ids_before_{};
};

/// The uniform of the systematic rounding of the starts of sessions in a window.
[[nodiscard]] double start_uniform(const JobState& job, const JobWindow& window) noexcept;

/// Calls visit(cell, starts) for every client that starts sessions in a window, in ascending order.
template <class Visit>
void for_each_start(const JobState& job, const SessionPlan& plan, std::int64_t k, const JobWindow& window,
                    Visit&& visit) {
  const WindowCells cells = job.profile.cells(window.profile_window);
  const double requests = static_cast<double>(window.length_ns) / 1e9 * job.factor(k, window);
  const double uniform = start_uniform(job, window);
  double sum = 0;
  double floor_before = 0;
  for (std::size_t cell = 0; cell < cells.client.size(); ++cell) {
    const double starts = plan.starts_per_request[cells.client[cell]];
    if (!(starts > 0)) continue;
    sum += cells.rate[cell] * requests * starts;
    const double floor_now = __builtin_floor(sum + uniform);
    if (floor_now > floor_before) visit(cell, static_cast<std::uint64_t>(floor_now - floor_before));
    floor_before = floor_now;
  }
}

}  // namespace tracetide
