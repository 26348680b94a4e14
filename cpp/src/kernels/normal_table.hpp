// The distribution function of the standard normal as a table, for ranks of 32 bits.
#pragma once

#include <vector>

namespace tracetide {

/// Nodes at first + k / per_unit with the value and the slope (per step) there: {value, slope, value, ...}.
/// Cubic Hermite interpolation between them is within 2e-11 of the function; beyond the last nodes the rank
/// is 0 or 2^32 - 1 anyway.
struct NormalTable {
  static constexpr double first = -6.5;
  static constexpr int per_unit = 128;
  static constexpr int steps = 13 * per_unit;

  const double* nodes;
};

[[nodiscard]] std::vector<double> make_normal_table();

}  // namespace tracetide
