// Draws of parametric laws, a block of candidates at a time. Included once per instruction-set level.
#pragma once

#include <cstdint>

#include "kernels/gap_kernels.hpp"
#include "kernels/zipf_area.hpp"
#include "math/elementary.hpp"
#include "random/philox_lanes.hpp"

namespace tracetide::TRACETIDE_KERNEL_LEVEL {

constexpr double largest_exponent = 709.0;
constexpr double largest_double = 0x1.fffffffffffffp1023;

inline double at_most(double x, double limit) noexcept { return x < limit ? x : limit; }

/// Gaps times `scale`; of a logarithmic law, whose gaps are logarithms, e^(gap + scale). Returns how many.
inline std::uint32_t draw_scaled_gaps(const GapLaw& law, const GapStreams& streams, std::uint64_t first_unit,
                                      double scale, double* out) noexcept {
  const std::uint32_t n = gaps(law, streams, first_unit, units_per_block, out);
  if (law.logarithmic) {
    for (std::uint32_t i = 0; i < n; ++i) out[i] = exp(at_most(out[i] + scale, largest_exponent));
  } else {
    for (std::uint32_t i = 0; i < n; ++i) out[i] = at_most(out[i] * scale, largest_double);
  }
  return n;
}

inline void draw_pareto(const StreamKey& stream, std::uint64_t first_unit, double inverse_alpha,
                        double minimum, double* out) noexcept {
  std::uint64_t random[gaps_per_block];
  fill_u64(stream, first_unit, units_per_block, random);
  for (std::uint32_t i = 0; i < gaps_per_block; ++i) {
    const double exponent = -log(open_unit(random[i])) * inverse_alpha;
    out[i] = at_most(minimum * exp(at_most(exponent, largest_exponent)), largest_double);
  }
}

inline void draw_log_normal(const StreamKey& stream, std::uint64_t first_unit, double mu, double sigma,
                            double* out) noexcept {
  std::uint64_t random[gaps_per_block];
  fill_u64(stream, first_unit, units_per_block, random);
  normals(random, units_per_block, out);
  for (std::uint32_t i = 0; i < gaps_per_block; ++i)
    out[i] = exp(at_most(mu + sigma * out[i], largest_exponent));
}

inline void draw_uniform(const StreamKey& stream, std::uint64_t first_unit, double low, double width,
                         double* out) noexcept {
  std::uint64_t random[gaps_per_block];
  fill_u64(stream, first_unit, units_per_block, random);
  for (std::uint32_t i = 0; i < gaps_per_block; ++i) out[i] = low + width * open_unit(random[i]);
}

// A candidate is x = H^-1(u) with u uniform on H's range, k the whole number nearest to it. It is accepted
// when u lies in the last h(k) of the range of k; x >= k - squeeze says so for all but a few in a hundred
// without a look at H.
template <bool near_one>
inline std::uint32_t zipf_candidates(const ZipfLaw& law, const StreamKey& stream, std::uint64_t first_unit,
                                     std::int64_t* out) noexcept {
  std::uint64_t random[gaps_per_block];
  double u[gaps_per_block];
  double k[gaps_per_block];
  std::uint64_t accepted[gaps_per_block];
  std::uint64_t undecided[gaps_per_block];
  fill_u64(stream, first_unit, units_per_block, random);
  const double range = law.first - law.last;
  for (std::uint32_t i = 0; i < gaps_per_block; ++i) {
    u[i] = law.last + open_unit(random[i]) * range;
    const double x = zipf_area_inverse<near_one>(law, u[i]);
    const double whole = x < 0x1p52 ? (x + 0x1p52) - 0x1p52 : x;
    const double low = whole < 1.0 ? 1.0 : whole;
    k[i] = at_most(low, law.maximum);
    accepted[i] = k[i] - x <= law.squeeze ? 1 : 0;
    undecided[i] = accepted[i] ^ 1;
  }
  std::uint32_t place[gaps_per_block];
  const std::uint32_t open = places_of(undecided, gaps_per_block, place);
  double test[2][gaps_per_block];
  for (std::uint32_t j = 0; j < open; ++j) {
    test[0][j] = k[place[j]];
    test[1][j] = u[place[j]];
  }
  for (std::uint32_t j = 0; j < open; ++j) {
    const double edge = zipf_area<near_one>(law, log(test[0][j] + 0.5)) - zipf_height(law, test[0][j]);
    undecided[j] = test[1][j] >= edge ? 1 : 0;
  }
  for (std::uint32_t j = 0; j < open; ++j) accepted[place[j]] = undecided[j];
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < gaps_per_block; ++i) {
    out[kept] = static_cast<std::int64_t>(k[i]);
    kept += static_cast<std::uint32_t>(accepted[i]);
  }
  return kept;
}

inline std::uint32_t draw_zipf(const ZipfLaw& law, const StreamKey& stream, std::uint64_t first_unit,
                               std::int64_t* out) noexcept {
  return law.near_one ? zipf_candidates<true>(law, stream, first_unit, out)
                      : zipf_candidates<false>(law, stream, first_unit, out);
}

}  // namespace tracetide::TRACETIDE_KERNEL_LEVEL
