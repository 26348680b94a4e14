// Gaps by the block. Included once per instruction-set level.
#pragma once

#include <cstdint>

#include "kernels/gap_law.hpp"
#include "math/elementary.hpp"
#include "random/philox_lanes.hpp"

namespace tracetide::TRACETIDE_KERNEL_LEVEL {

// The samplers below make the first n candidates from a unit on: whole units, or half of one.
inline std::uint32_t units_of(std::uint32_t n) noexcept { return (n + gaps_per_unit - 1) / gaps_per_unit; }

// Inverse transform: -ln U.
inline std::uint32_t exponential_gaps(const GapStreams& streams, std::uint64_t first_unit, std::uint32_t n,
                                      double* out) noexcept {
  std::uint64_t random[gaps_per_block];
  fill_u64(streams.gap, first_unit, units_of(n), random);
  for (std::uint32_t i = 0; i < n; ++i) out[i] = -log(open_unit(random[i]));
  return n;
}

// Inverse transform: (-ln U)^(1/shape), or its logarithm.
inline std::uint32_t weibull_gaps(const GapLaw& law, const GapStreams& streams, std::uint64_t first_unit,
                                  std::uint32_t n, double* out) noexcept {
  std::uint64_t random[gaps_per_block];
  fill_u64(streams.gap, first_unit, units_of(n), random);
  const double inverse_shape = law.inverse_shape;
  for (std::uint32_t i = 0; i < n; ++i) out[i] = log(-log(open_unit(random[i]))) * inverse_shape;
  if (!law.logarithmic) {
    for (std::uint32_t i = 0; i < n; ++i) out[i] = exp(out[i]);
  }
  return n;
}

// Normals by Box & Muller (1958): a group of 16 values gives 8 radii and 8 angles, hence 16 normals.
inline void normals(const std::uint64_t* random, std::uint32_t units, double* out) noexcept {
  for (std::uint32_t unit = 0; unit < units; ++unit) {
    const std::uint64_t* in = random + unit * gaps_per_unit;
    double* x = out + unit * gaps_per_unit;
    for (int i = 0; i < 8; ++i) {
      const double radius = __builtin_sqrt(-2.0 * log(open_unit(in[i])));
      const SineCosine turn = sine_cosine_of_turn(open_unit(in[i + 8]));
      x[i] = radius * turn.cosine;
      x[i + 8] = radius * turn.sine;
    }
  }
}

/// The places at which `flag` is 1 (else 0), in order; returns how many. Branch-free.
inline std::uint32_t places_of(const std::uint64_t* flag, std::uint32_t n, std::uint32_t* place) noexcept {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    place[count] = i;
    count += static_cast<std::uint32_t>(flag[i]);
  }
  return count;
}

// Marsaglia & Tsang, "A simple method for generating Gamma variables" (2000): v = (1 + c x)^3 with x
// normal is accepted when ln U < x^2/2 + d - d v + d ln v; d v is Gamma(a). A shape below 1 is drawn as
// Gamma(shape + 1) U^(1/shape). Accepted candidates are kept in order.
//
// The squeeze U < 1 - 0.0331 x^4 spares the two logarithms of the test for nine candidates in ten; the others
// are brought together, so that their test runs in lanes too.
inline std::uint32_t gamma_gaps(const GapLaw& law, const GapStreams& streams, std::uint64_t first_unit,
                                std::uint32_t n, double* out) noexcept {
  std::uint64_t random[gaps_per_block];
  double x[gaps_per_block];
  double v[gaps_per_block];
  double u[gaps_per_block];
  double boost[gaps_per_block];
  std::uint64_t accepted[gaps_per_block];
  std::uint64_t undecided[gaps_per_block];
  const std::uint32_t units = units_of(n);
  const double c = law.c;
  const double d = law.d;

  fill_u64(streams.gap, first_unit, units, random);
  normals(random, units, x);
  fill_u64(streams.accept, first_unit, units, random);
  for (std::uint32_t i = 0; i < n; ++i) {
    const double base = 1.0 + c * x[i];
    const double square = x[i] * x[i];
    u[i] = open_unit(random[i]);
    v[i] = base * base * base;
    // Where base <= 0 the candidate is rejected; where it is not and the squeeze fails, the test decides.
    const std::uint64_t positive = base > 0.0 ? 1 : 0;
    const std::uint64_t squeezed = u[i] < 1.0 - 0.0331 * (square * square) ? 1 : 0;
    accepted[i] = positive & squeezed;
    undecided[i] = positive & (squeezed ^ 1);
  }
  std::uint32_t place[gaps_per_block];
  const std::uint32_t open = places_of(undecided, n, place);
  double test[3][gaps_per_block];
  for (std::uint32_t j = 0; j < open; ++j) {
    test[0][j] = x[place[j]];
    test[1][j] = v[place[j]];
    test[2][j] = u[place[j]];
  }
  for (std::uint32_t j = 0; j < open; ++j) {
    const double bound = 0.5 * test[0][j] * test[0][j] + (d - d * test[1][j] + d * log(test[1][j]));
    undecided[j] = log(test[2][j]) < bound ? 1 : 0;
  }
  for (std::uint32_t j = 0; j < open; ++j) accepted[place[j]] = undecided[j];
  if (law.logarithmic) {
    for (std::uint32_t i = 0; i < n; ++i) v[i] = log(v[i] > 0.0 ? d * v[i] : 1.0);
  } else {
    for (std::uint32_t i = 0; i < n; ++i) v[i] = d * v[i];
  }
  if (law.boosted) {
    fill_u64(streams.boost, first_unit, units, random);
    const double inverse_shape = law.inverse_shape;
    for (std::uint32_t i = 0; i < n; ++i) boost[i] = log(open_unit(random[i])) * inverse_shape;
    if (law.logarithmic) {
      for (std::uint32_t i = 0; i < n; ++i) v[i] = v[i] + boost[i];
    } else {
      for (std::uint32_t i = 0; i < n; ++i) v[i] = v[i] * exp(boost[i]);
    }
  }
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    out[kept] = v[i];
    kept += static_cast<std::uint32_t>(accepted[i]);
  }
  return kept;
}

// 2^(v/16) for v in [0, 1): Taylor polynomial, relative error below 1e-11.
inline double sixteenth_power_of_two(double v) noexcept {
  const double x = v * 4.33216987849965817e-02;  // ln(2)/16
  const double x2 = x * x;
  return (1.0 + x) + x2 * ((1.0 / 2 + x * (1.0 / 6)) + x2 * (1.0 / 24 + x * (1.0 / 120)));
}

// The low word chooses the bin, the high one the place in it.
inline std::uint32_t table_gaps(const GapTableView& table, const GapStreams& streams,
                                std::uint64_t first_unit, std::uint32_t n, double* out) noexcept {
  std::uint64_t random[gaps_per_block];
  std::uint32_t bin[gaps_per_block];
  fill_u64(streams.gap, first_unit, units_of(n), random);
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint64_t product = (random[i] & 0xFFFFFFFFu) * table.size;
    const std::uint64_t cell = table.cells[product >> 32];
    const unsigned shift =
        static_cast<std::uint32_t>(product) >= static_cast<std::uint32_t>(cell >> 32) ? 16 : 0;
    bin[i] = static_cast<std::uint32_t>(cell >> shift) & 0xFFFFu;
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    const double v = (from_bits((random[i] >> 32) | 0x4330000000000000u) - 0x1p52) * 0x1p-32;
    out[i] = table.start[bin[i]] * sixteenth_power_of_two(v);
  }
  return n;
}

inline std::uint32_t first_gaps(const GapLaw& law, const GapStreams& streams, std::uint64_t first_unit,
                                std::uint32_t n, double* out) noexcept {
  switch (law.family) {
    case Family::exponential:
      return exponential_gaps(streams, first_unit, n, out);
    case Family::gamma:
      return gamma_gaps(law, streams, first_unit, n, out);
    case Family::weibull:
      return weibull_gaps(law, streams, first_unit, n, out);
    case Family::table:
      return table_gaps(law.table, streams, first_unit, n, out);
  }
  return 0;
}

/// Gaps (or their logarithms) of `units` <= 16 units; returns how many. `out` has room for all candidates.
inline std::uint32_t gaps(const GapLaw& law, const GapStreams& streams, std::uint64_t first_unit,
                          std::uint32_t units, double* out) noexcept {
  return first_gaps(law, streams, first_unit, units * gaps_per_unit, out);
}

/// Gaps of the first half of a unit, for the many clients that have only a few requests in a window.
inline std::uint32_t few_gaps(const GapLaw& law, const GapStreams& streams, std::uint64_t unit,
                              double* out) noexcept {
  return first_gaps(law, streams, unit, few_candidates, out);
}

/// Sum in a fixed order: eight partial sums by position modulo 8.
inline double sum(const double* values, std::uint32_t n) noexcept {
  double part[8] = {};
  std::uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int j = 0; j < 8; ++j) part[j] += values[i + static_cast<std::uint32_t>(j)];
  }
  for (int j = 0; i < n; ++i, ++j) part[j] += values[i];
  return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

inline double largest(const double* values, std::uint32_t n) noexcept {
  double part[8];
  for (int j = 0; j < 8; ++j) part[j] = values[0];
  std::uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int j = 0; j < 8; ++j) {
      const double value = values[i + static_cast<std::uint32_t>(j)];
      part[j] = part[j] < value ? value : part[j];
    }
  }
  double best = part[0];
  for (int j = 1; j < 8; ++j) best = best < part[j] ? part[j] : best;
  for (; i < n; ++i) best = best < values[i] ? values[i] : best;
  return best;
}

/// values[i] = exp(values[i] - offset)
inline void exponentiate(double* values, std::uint32_t n, double offset) noexcept {
  for (std::uint32_t i = 0; i < n; ++i) values[i] = exp(values[i] - offset);
}

/// Arrival times from gaps, in fixed point with `shift` fractional bits of a nanosecond: arrival i is at
/// start plus the gaps before it, at most `end` (the start of the next block). Whole-number additions are
/// exact, so the times do not depend on how the gaps were cut into calls.
inline void arrival_times(const double* gap, std::uint32_t n, double scale, std::int64_t start,
                          std::int64_t end, int shift, std::int64_t* out) noexcept {
  std::int64_t step[gaps_per_block];
  const double cap = 0x1.8p51;
  for (std::uint32_t i = 0; i < n; ++i) {
    const double scaled = gap[i] * scale;
    step[i] = nearest_integer(scaled < cap ? scaled : cap);
  }
  std::int64_t at = start;
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::int64_t now = at;
    at += step[i];
    step[i] = now;
  }
  for (std::uint32_t i = 0; i < n; ++i) out[i] = (step[i] < end ? step[i] : end) >> shift;
}

}  // namespace tracetide::TRACETIDE_KERNEL_LEVEL
