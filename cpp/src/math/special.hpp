// Special functions for set-up (once per client, window or distribution), the same bits on every machine.
#pragma once

namespace tracetide {

/// ln Gamma(x), x > 0. Relative error below 1e-13 for the result or, near its zeros at 1 and 2,
/// absolute error below 1e-14.
[[nodiscard]] double log_gamma(double x) noexcept;

/// 1 - e^-x for x >= 0, without cancellation near 0. Relative error below 1e-14.
[[nodiscard]] double one_minus_exp(double x) noexcept;

/// ln(1 + x) for 0 <= x <= 0.01, by its series. Relative error below 1e-15.
[[nodiscard]] double log_one_plus(double x) noexcept;

/// P(N <= x) of a standard normal. Absolute error below 1e-15; relative, far below 0, below 1e-11.
[[nodiscard]] double normal_cdf(double x) noexcept;

/// P(G <= x) of a Gamma law of scale 1, the regularised incomplete gamma function P(shape, x). Absolute
/// error below 1e-12 up to shape 1000, 2e-10 up to 1e5.
[[nodiscard]] double gamma_cdf(double shape, double x) noexcept;

}  // namespace tracetide
