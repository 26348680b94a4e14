// The law of the gaps (inter-arrival times) of a client in a window.
#pragma once

#include <cstdint>

#include "tracetide/profile.hpp"
#include "tracetide/random.hpp"

namespace tracetide {

/// A histogram of gaps, laid out for drawing; arrivals/gap_tables.hpp makes it. Bins as in GapTable, scaled
/// so that the mean gap is 1.
struct GapTableView {
  const std::uint64_t* cells = nullptr;   ///< of a packed alias table of the bins
  const std::uint64_t* biased = nullptr;  ///< the same, each bin in proportion to the time its gaps take
  const double* start = nullptr;          ///< by bin: its shortest gap
  std::uint32_t size = 0;
};

/// A gap family with its shape and the constants its sampler needs. Gaps are drawn unscaled: the mean
/// is `mean` (exponential 1, Gamma `shape`, Weibull Gamma(1 + 1/shape)); the window decides the scale.
struct GapLaw {
  Family family = Family::exponential;
  double shape = 1;
  /// Gaps are kept as logarithms: below this shape a single gap can underflow even relative to
  /// another (u^(1/shape) with u down to 2^-53), and a sum of gaps would be zero.
  bool logarithmic = false;
  double mean = 1;
  double log_mean = 0;
  double inverse_shape = 1;
  /// Marsaglia & Tsang (2000): d = a - 1/3, c = 1/sqrt(9 d), a = shape, or shape + 1 below 1.
  double d = 0;
  double c = 0;
  bool boosted = false;
  GapTableView table{};
};

inline constexpr double smallest_linear_shape = 0.0625;

/// Of any family but a table's.
[[nodiscard]] GapLaw make_gap_law(Family family, double shape) noexcept;
[[nodiscard]] GapLaw make_gap_law(const GapTableView& table) noexcept;

/// The first arrival of a stationary renewal process, as a multiple of the mean gap: a length-biased
/// gap times a uniform (the equilibrium forward recurrence time; Cox, Renewal Theory, 1962, ch. 5).
[[nodiscard]] double forward_recurrence(const GapLaw& law, const StreamKey& stream) noexcept;

/// Candidates come in units of 16 and in blocks of 16 units; a block can be made alone.
inline constexpr std::uint32_t gaps_per_unit = 16;
inline constexpr std::uint32_t few_candidates = gaps_per_unit / 2;
inline constexpr std::uint32_t units_per_block = 16;
inline constexpr std::uint32_t gaps_per_block = gaps_per_unit * units_per_block;

/// The random streams of the gaps of one client in one window.
struct GapStreams {
  StreamKey gap;
  StreamKey accept;
  StreamKey boost;
};
/// What arrives: requests, or sessions, whose random words are others.
enum class Arrivals : std::uint8_t { requests = 0, sessions = 1 };
[[nodiscard]] GapStreams gap_streams(std::uint64_t seed, std::uint32_t client, std::uint32_t window,
                                     Arrivals what = Arrivals::requests) noexcept;

}  // namespace tracetide
