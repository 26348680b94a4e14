// The arrivals of one client in one window: how many, and when, in any part of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arrivals/rate_noise.hpp"
#include "arrivals/time_warp.hpp"
#include "base/poller.hpp"
#include "kernels/gap_law.hpp"
#include "kernels/kernels.hpp"
#include "tracetide/column.hpp"

namespace tracetide {

/// What decides the arrivals of one client in one window.
struct ClientWindow {
  GapLaw law{};
  std::uint64_t seed = 0;
  std::uint32_t client = 0;
  std::uint32_t window = 0;    ///< the window's number in the job's profile time, as in the random streams
  std::int64_t length_ns = 0;  ///< in (0, longest_window_ns]
  Counts counts = Counts::pinned;
  std::uint64_t gaps = 0;  ///< pinned, servegen: number of gaps that fill the window
  double rate = 0;         ///< renewal: requests/s
  Arrivals what = Arrivals::requests;
  RateNoise noise{};
  double requests = 0;  ///< expected of the client in the whole window, of which this may be a part
  WindowPart part{};    ///< used where there is noise
  const TimeWarp* curve = nullptr;  ///< the rate inside the window, shared by its clients; null: constant
};

inline constexpr std::int64_t longest_window_ns = std::int64_t{1} << 51;

/// Working memory of ArrivalPlan; one per thread.
struct ArrivalScratch {
  Column<double> gaps{};
  Column<std::int64_t> times{};
  /// Told of every block, as planning a large window can take seconds; may be null.
  Poller* poller = nullptr;
  NoiseMaker noise{};

  void did(std::uint64_t steps) const {
    if (poller != nullptr) poller->did(steps);
  }
};

/// Lays out the arrivals of a client window block by block, a block being `gaps_per_block` candidate gaps.
///
/// pinned: the gaps are scaled to fill a circle of the window's length, entered at a uniform phase;
/// renewal: they follow the forward recurrence time until the window ends; servegen: they fill the
/// window from its start and the arrival at its end is dropped.
///
/// These are operational times. The client's noise and the window's curve then warp them: both are monotone,
/// so that their order, and which of them lie in a part, is known without making them.
///
/// Times are kept in fixed point with `shift` fractional bits of a ns, arrival i at the sum of the gaps
/// before it. The object can be reused; its memory grows to the largest window it has seen: at most `keep`
/// gaps and 16 bytes a block. Made, it may be read by several threads, each with a scratch of its own.
class ArrivalPlan {
 public:
  /// Gaps of windows with more than `keep` are not stored but made again when they are needed.
  explicit ArrivalPlan(const Kernels& kernels, std::uint64_t keep) : kernels_(&kernels), keep_(keep) {}

  void make(const ClientWindow& window, ArrivalScratch& scratch);

  /// Number of arrivals.
  [[nodiscard]] std::uint64_t size() const noexcept { return arrivals_; }
  [[nodiscard]] std::uint32_t client() const noexcept { return window_.client; }
  /// All arrival times in ns from the window's start, ascending, to `out` (size() entries).
  void times(std::int64_t* out, ArrivalScratch& scratch) const;

  [[nodiscard]] std::size_t blocks() const noexcept { return first_gap_.size() - 1; }
  /// Time at which a block starts, in [0, length]: tells where arrivals are dense without making them.
  [[nodiscard]] std::int64_t block_start(std::size_t block) const noexcept;
  /// Arrivals with from <= time < to, ascending, appended to `out`; returns the rank of the first in the
  /// window's time order.
  std::uint64_t times_between(std::int64_t from, std::int64_t to, Column<std::int64_t>& out,
                              ArrivalScratch& scratch) const;

 private:
  Column<double>& target(ArrivalScratch& scratch) { return kept_ ? gap_ : scratch.gaps; }
  [[nodiscard]] std::int64_t warped(std::int64_t operational) const noexcept;
  [[nodiscard]] std::int64_t first_operational(std::int64_t time) const noexcept;
  void warp(std::span<std::int64_t> times) const noexcept;
  void fill_circle(std::uint64_t count, ArrivalScratch& scratch);
  void run_renewal(ArrivalScratch& scratch);
  void make_gaps(std::uint64_t block, std::uint64_t wanted, Column<double>& out) const;
  std::uint32_t run_block(std::uint64_t block, double room, double mean_gap, Column<double>& out) const;
  void end_block(double block_sum) { sum_before_.push_back(sum_before_.back() + block_sum); }
  std::span<const double> gaps_of(std::size_t block, ArrivalScratch& scratch) const;
  [[nodiscard]] std::int64_t fixed_start(std::size_t block) const noexcept;
  void block_times(std::size_t block, std::int64_t* out, ArrivalScratch& scratch) const;
  std::uint64_t arrivals_inside(std::size_t block, ArrivalScratch& scratch) const;
  void find_rotation(ArrivalScratch& scratch);
  std::uint64_t operational_between(std::int64_t from, std::int64_t to, Column<std::int64_t>& out,
                                    ArrivalScratch& scratch) const;
  std::uint64_t part_between(std::uint64_t first, std::uint64_t last, std::int64_t turn, std::int64_t from,
                             std::int64_t to, Column<std::int64_t>& out, ArrivalScratch& scratch) const;

  const Kernels* kernels_;
  std::uint64_t keep_;
  ClientWindow window_{};
  GapStreams streams_{};
  double log_offset_ = 0;
  double scale_ = 0;
  std::int64_t start_ = 0;  // fixed point
  int shift_ = 0;
  bool kept_ = true;
  std::uint64_t arrivals_ = 0;
  std::uint64_t skipped_ = 0;             // servegen: the gap whose arrival is at time 0
  std::uint64_t rotation_ = 0;            // pinned: first gap whose arrival lies beyond the end of the circle
  Column<double> gap_;                    // all gaps, when kept
  std::vector<std::uint64_t> first_gap_;  // blocks + 1
  std::vector<double> sum_before_;        // blocks + 1, unscaled
  TimeWarp noise_{};
};

}  // namespace tracetide
