// Special functions for set-up (once per client and window), the same bits on every machine.
#pragma once

namespace tracetide {

/// ln Gamma(x), x > 0. Relative error below 1e-13 for the result or, near its zeros at 1 and 2,
/// absolute error below 1e-14.
[[nodiscard]] double log_gamma(double x) noexcept;

}  // namespace tracetide
