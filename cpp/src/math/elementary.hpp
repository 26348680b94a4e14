// log, exp, sine and cosine that give the same bits on every machine and instruction set: plain IEEE
// additions, multiplications and divisions in one written order (the build forbids contraction to
// fused multiply-add), no table, no branch, so that loops over them vectorise.
//
// Included by kernels.cpp once per instruction-set level and by portable code: everything lies in a
// namespace named for the level, or the linker could pick one level's copy for all.
#pragma once

#include <bit>
#include <cstdint>

#ifndef TRACETIDE_KERNEL_LEVEL
#define TRACETIDE_KERNEL_LEVEL portable
#endif

namespace tracetide::TRACETIDE_KERNEL_LEVEL {

inline double from_bits(std::uint64_t bits) noexcept { return std::bit_cast<double>(bits); }
inline std::uint64_t to_bits(double value) noexcept { return std::bit_cast<std::uint64_t>(value); }

/// A uniform in (0, 1) from the high 52 of 64 random bits: (k + 1/2) / 2^52. Never 0 or 1.
inline double open_unit(std::uint64_t random) noexcept {
  return from_bits((random >> 12) | 0x3FF0000000000000u) - 0x1.fffffffffffffp-1;
}

/// The non-negative integer nearest to x, 0 <= x < 2^52 (ties to even): adding 2^52 leaves it in the
/// low bits of the significand, which, unlike a conversion, every instruction set does in lanes.
inline std::int64_t nearest_integer(double x) noexcept {
  return static_cast<std::int64_t>(to_bits(x + 0x1p52) & 0x000FFFFFFFFFFFFFu);
}

/// Natural logarithm of a positive, normal, finite x; error below 1 ulp.
/// x = 2^k m with m in [sqrt(1/2), sqrt(2)), s = (m - 1)/(m + 1), log m = 2 atanh s; coefficients of
/// FDLIBM e_log.c (Sun Microsystems, 1993).
inline double log(double x) noexcept {
  constexpr std::uint64_t sqrt_half = 0x3FE6A09E667F3BCDu;
  constexpr double ln2_high = 6.93147180369123816490e-01;
  constexpr double ln2_low = 1.90821492927058770002e-10;
  const std::uint64_t shifted = to_bits(x) - sqrt_half + (std::uint64_t{1024} << 52);
  const double k = from_bits((shifted >> 52) | 0x4330000000000000u) - (0x1p52 + 1024.0);
  const double m = from_bits((shifted & 0x000FFFFFFFFFFFFFu) + sqrt_half);
  const double f = m - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s;
  const double w = z * z;
  const double even =
      w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  const double odd =
      z * (6.666666666666735130e-01 +
           w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  const double half_square = 0.5 * f * f;
  return k * ln2_high - ((half_square - (s * (half_square + (even + odd)) + k * ln2_low)) - f);
}

/// e^x for x <= 709; 0 below -708. Relative error below 2e-16 plus rounding: Taylor polynomial of
/// degree 12 on |r| <= ln(2)/2, evaluated by pairs.
inline double exp(double x) noexcept {
  constexpr double ln2_high = 6.93147180369123816490e-01;
  constexpr double ln2_low = 1.90821492927058770002e-10;
  constexpr double round_shift = 0x1.8p52;
  const double clamped = x < -708.0 ? -708.0 : x;
  const double shifted = clamped * 1.44269504088896338700e+00 + round_shift;
  const double k = shifted - round_shift;
  const double r = (clamped - k * ln2_high) - k * ln2_low;
  const double r2 = r * r;
  const double r4 = r2 * r2;
  const double c01 = 1.0 + r;
  const double c23 = 1.0 / 2 + r * (1.0 / 6);
  const double c45 = 1.0 / 24 + r * (1.0 / 120);
  const double c67 = 1.0 / 720 + r * (1.0 / 5040);
  const double c89 = 1.0 / 40320 + r * (1.0 / 362880);
  const double c1011 = 1.0 / 3628800 + r * (1.0 / 39916800);
  const double high = (c89 + r2 * c1011) + r4 * (1.0 / 479001600);
  const double polynomial = (c01 + r2 * c23) + r4 * ((c45 + r2 * c67) + r4 * high);
  const double scaled = from_bits(to_bits(polynomial) + (to_bits(shifted) << 52));
  return x < -708.0 ? 0.0 : scaled;
}

struct SineCosine {
  double sine;
  double cosine;
};

/// Sine and cosine of 2 pi u for u in [0, 1]; coefficients of FDLIBM k_sin.c and k_cos.c.
inline SineCosine sine_cosine_of_turn(double u) noexcept {
  constexpr double round_shift = 0x1.8p52;
  const double shifted = u * 4.0 + round_shift;
  const double r = (u - (shifted - round_shift) * 0.25) * 6.28318530717958647693;
  const std::uint64_t quadrant = to_bits(shifted);
  const double z = r * r;
  const double sine =
      r + r * z *
              (-1.66666666666666324348e-01 +
               z * (8.33333333332248946124e-03 +
                    z * (-1.98412698298579493134e-04 +
                         z * (2.75573137070700676789e-06 +
                              z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))));
  const double cosine =
      (1.0 - 0.5 * z) +
      z * z *
          (4.16666666666666019037e-02 +
           z * (-1.38888888888741095749e-03 +
                z * (2.48015872894767294178e-05 +
                     z * (-2.75573143513906633035e-07 +
                          z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
  const bool swap = (quadrant & 1) != 0;
  const std::uint64_t sine_sign = (quadrant & 2) << 62;
  const std::uint64_t cosine_sign = ((quadrant + 1) & 2) << 62;
  return {from_bits(to_bits(swap ? cosine : sine) ^ sine_sign),
          from_bits(to_bits(swap ? sine : cosine) ^ cosine_sign)};
}

}  // namespace tracetide::TRACETIDE_KERNEL_LEVEL
