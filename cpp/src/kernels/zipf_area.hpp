// Rejection-inversion for the Zipf law: the area below its hat. Names as in Hörmann & Derflinger (1996).
// Included by kernels.cpp once per instruction-set level and by portable code, as math/elementary.hpp.
#pragma once

#include "kernels/zipf_law.hpp"
#include "math/elementary.hpp"

namespace tracetide::TRACETIDE_KERNEL_LEVEL {

/// H(x) from ln x: x^(1-q) / (1-q), or, near q = 1, (x^(1-q) - 1) / (1-q) = ln x (1 + t/2! + t^2/3! ...)
/// with t = (1-q) ln x, |t| < 0.0044.
template <bool near_one>
inline double zipf_area(const ZipfLaw& law, double log_x) noexcept {
  if constexpr (near_one) {
    const double t = law.one_minus_q * log_x;
    return log_x * (1.0 + t * (1.0 / 2 + t * (1.0 / 6 + t * (1.0 / 24 + t * (1.0 / 120 + t * (1.0 / 720))))));
  } else {
    return exp(law.one_minus_q * log_x) * law.inverse_one_minus_q;
  }
}

/// The x with H(x) = u; near q = 1, ln x = ln(1 + y) / (1-q) = u (1 - y/2 + y^2/3 ...) with y = (1-q) u.
template <bool near_one>
inline double zipf_area_inverse(const ZipfLaw& law, double u) noexcept {
  if constexpr (near_one) {
    const double y = law.one_minus_q * u;
    return exp(u *
               (1.0 - y * (1.0 / 2 - y * (1.0 / 3 - y * (1.0 / 4 - y * (1.0 / 5 - y * (1.0 / 6 - y / 7)))))));
  } else {
    return exp(log(law.one_minus_q * u) * law.inverse_one_minus_q);
  }
}

/// h(k), the part of H's range on which k is accepted.
inline double zipf_height(const ZipfLaw& law, double k) noexcept { return exp(-law.q * log(k)); }

}  // namespace tracetide::TRACETIDE_KERNEL_LEVEL
