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

double one_minus_exp(double x) noexcept {
  if (x > 0.5) return 1.0 - portable::exp(-x);
  double term = x;
  double sum = x;
  for (int k = 2; term > 0x1p-60 * sum; ++k) {
    term *= x / k;
    // Alternating: e^-x = 1 - x + x^2/2 - ...
    sum += (k % 2 == 0) ? -term : term;
  }
  return sum;
}

double log_one_plus(double x) noexcept {
  double power = x;
  double sum = x;
  for (int k = 2; power > 0x1p-56 * sum; ++k) {
    power *= x;
    sum += (k % 2 == 0 ? -power : power) / k;
  }
  return sum;
}

// Below 4 in absolute value the series of Abramowitz & Stegun 26.2.11, whose terms all have one sign; beyond,
// the continued fraction of the upper tail, 26.2.14, evaluated from its end.
double normal_cdf(double x) noexcept {
  constexpr double inverse_sqrt_two_pi = 0.39894228040143267794;
  const double distance = x < 0 ? -x : x;
  if (distance > 37.5) return x < 0 ? 0.0 : 1.0;
  const double density = inverse_sqrt_two_pi * portable::exp(-0.5 * x * x);
  if (distance > 4.0) {
    double fraction = distance;
    for (int k = 80; k > 0; --k) fraction = distance + k / fraction;
    const double tail = density / fraction;
    return x < 0 ? tail : 1.0 - tail;
  }
  double term = distance;
  double sum = distance;
  for (int k = 3; term > 0x1p-58 * sum; k += 2) {
    term *= x * x / k;
    sum += term;
  }
  return x < 0 ? 0.5 - density * sum : 0.5 + density * sum;
}

// The power series of the lower tail (Abramowitz & Stegun 6.5.29) below the mean, the continued fraction of
// the upper tail (6.5.31, by the method of Lentz) above: both then converge within some multiples of
// sqrt(shape) steps.
double gamma_cdf(double shape, double x) noexcept {
  if (!(x > 0)) return 0.0;
  if (x > 1e300) return 1.0;
  const double front = portable::exp(shape * portable::log(x) - x - log_gamma(shape));
  if (x < shape + 1.0) {
    double term = 1.0 / shape;
    double sum = term;
    for (double k = 1; term > 0x1p-56 * sum; ++k) {
      term *= x / (shape + k);
      sum += term;
    }
    const double p = front * sum;
    return p < 1.0 ? p : 1.0;
  }
  constexpr double tiny = 1e-300;
  double b = x + 1.0 - shape;
  double c = 1.0 / tiny;
  double d = 1.0 / b;
  double fraction = d;
  for (int k = 1; k < 100000; ++k) {
    const double a = k * (shape - k);
    b += 2.0;
    d = a * d + b;
    d = 1.0 / (d > -tiny && d < tiny ? tiny : d);
    c = b + a / c;
    c = c > -tiny && c < tiny ? tiny : c;
    const double step = c * d;
    fraction *= step;
    if (step > 1.0 - 0x1p-52 && step < 1.0 + 0x1p-52) break;
  }
  const double q = front * fraction;
  return q < 1.0 ? 1.0 - q : 0.0;
}

}  // namespace tracetide
