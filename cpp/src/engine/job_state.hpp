// What a job resolves to: its windows, and in each the factor on the clients' rates.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "arrivals/gap_tables.hpp"
#include "base/poller.hpp"
#include "fields/copula.hpp"
#include "fields/sampler.hpp"
#include "prompts/prompt_templates.hpp"
#include "tracetide/job.hpp"

namespace tracetide {

/// One window of a job. The span of the profile that the job repeats may cut the first and last window.
struct JobWindow {
  std::int64_t start_ns = 0;  ///< from the job's start
  std::int64_t length_ns = 0;
  std::int64_t begin_ns = 0;  ///< from the start of the profile's window
  std::uint32_t profile_window = 0;
  std::uint32_t number = 0;  ///< in the random streams; counts on when the profile repeats
};

struct SessionPlan;

struct JobState {
  Profile profile;
  JobOptions options;
  Counts counts = Counts::pinned;
  Coupling coupling = Coupling::independent;

  std::int64_t span_start_ns = 0;
  std::int64_t span_end_ns = 0;
  std::int64_t duration_ns = 0;
  std::uint32_t first_window = 0;      ///< profile window of the span's start
  std::uint32_t windows_per_pass = 0;  ///< windows the span touches
  std::uint64_t windows = 0;

  std::vector<double> kept_rate;   ///< per profile window: requests/s of the clients that take part
  std::vector<double> total_rate;  ///< per profile window: of all clients
  double native_factor = 1;        ///< scale or max_rate
  std::vector<bool> takes_part;    ///< per client
  std::vector<std::uint32_t> left_out;
  double left_out_share = 0;
  std::uint64_t empty_windows = 0;
  double expected = 0;

  GapTables gap_tables;
  SamplerCache samplers;
  Copula copula;
  std::uint32_t block_size = 0;  ///< tokens; 0: no hash ids
  PromptTemplates templates;

  std::shared_ptr<const SessionPlan> sessions;  ///< null where all requests stand alone

  std::vector<double> list_weights{};  ///< see engine/list_weights.hpp
  [[nodiscard]] double list_weight(std::uint32_t profile_window) const noexcept {
    return list_weights.empty() ? 1.0 : list_weights[profile_window];
  }

  JobState(const Profile& job_profile, JobOptions job_options, Poller& poller);

  [[nodiscard]] JobWindow window(std::int64_t k) const noexcept;
  /// The same as if the job did not end. Windows before 0 are those that would precede it: the span and
  /// steps of rates repeat.
  [[nodiscard]] JobWindow whole_window(std::int64_t k) const noexcept;
  /// The window in which a time lies; the job's end does not matter.
  [[nodiscard]] std::int64_t window_at(std::int64_t time_ns) const noexcept;
  /// Total requests/s wanted in a window.
  [[nodiscard]] double target_rate(std::int64_t k, const JobWindow& window) const noexcept;
  /// Factor on the clients' own rates in a window; 0 where nobody is active.
  [[nodiscard]] double factor(std::int64_t k, const JobWindow& window) const noexcept;
  /// Expected requests of a window.
  [[nodiscard]] double window_expected(std::int64_t k) const noexcept;
  /// Requests of a window in the pinned and servegen modes, without sessions.
  [[nodiscard]] std::uint64_t window_count(std::int64_t k) const noexcept;

 private:
  void resolve_coupling();
  void resolve_span();
  void resolve_clients();
  void resolve_rates();
  void resolve_totals(Poller& poller);
  template <class Model>
  [[nodiscard]] bool uses(std::span<const Model> models,
                          std::uint32_t (Profile::*model_of)(std::uint32_t) const noexcept) const;
  void resolve_blocks(Poller& poller);
  void resolve_sessions(Poller& poller);
};

/// The part of a client's requests that stand alone, in a window.
class AloneShare {
 public:
  AloneShare(const JobState& job, std::int64_t k) noexcept;
  [[nodiscard]] double of(std::uint32_t client) const noexcept {
    return share_ == nullptr ? 1.0 : share_[client] * factor_;
  }

 private:
  const double* share_ = nullptr;
  double factor_ = 1;
};

/// Calls visit(cell, requests_expected, gaps) for every client that takes part in a window, in ascending
/// order, of its requests that stand alone, where `gaps` is the client's number of gaps in the pinned and
/// servegen modes. Systematic rounding:
/// gaps of client c = floor(S_c + U) - floor(S_(c-1) + U), S the running sum of expected requests.
template <class Visit>
void for_each_client(const JobState& job, std::int64_t k, const JobWindow& window, Visit&& visit);

/// The uniform of the systematic rounding of a window.
[[nodiscard]] double rounding_uniform(const JobState& job, const JobWindow& window) noexcept;

template <class Visit>
void for_each_client(const JobState& job, std::int64_t k, const JobWindow& window, Visit&& visit) {
  const WindowCells cells = job.profile.cells(window.profile_window);
  const double seconds = static_cast<double>(window.length_ns) / 1e9;
  const double factor = job.factor(k, window);
  const double uniform = rounding_uniform(job, window);
  const AloneShare alone(job, k);
  double sum = 0;
  double floor_before = 0;  // floor(0 + U)
  for (std::size_t cell = 0; cell < cells.client.size(); ++cell) {
    if (!job.takes_part[cells.client[cell]]) continue;
    const double expected = cells.rate[cell] * factor * seconds * alone.of(cells.client[cell]);
    sum += expected;
    const double floor_now = __builtin_floor(sum + uniform);
    const double gaps = job.counts == Counts::servegen ? __builtin_ceil(expected) : floor_now - floor_before;
    floor_before = floor_now;
    visit(cell, expected, static_cast<std::uint64_t>(gaps));
  }
}

}  // namespace tracetide
