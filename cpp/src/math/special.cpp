#include "math/special.hpp"

#include "math/elementary.hpp"

namespace tracetide {

// Stirling's series (Abramowitz & Stegun 6.1.41) from x >= 10 on, where eight terms reach double
// precision; smaller arguments are shifted up by Gamma(x + 1) = x Gamma(x).
double log_gamma(double x) noexcept {
  double product = 1.0;
  while (x < 10.0) {
    product *= x;
    x += 1.0;
  }
  const double y = 1.0 / (x * x);
  const double series =
      (1.0 / 12 -
       y * (1.0 / 360 - y * (1.0 / 1260 -
                             y * (1.0 / 1680 - y * (1.0 / 1188 - y * (691.0 / 360360 - y * (1.0 / 156))))))) /
      x;
  constexpr double half_log_two_pi = 0.91893853320467274178;
  return (x - 0.5) * portable::log(x) - x + half_log_two_pi + series - portable::log(product);
}

}  // namespace tracetide
