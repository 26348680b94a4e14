// Checks of the parameters of laws.
#pragma once

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "base/message.hpp"

namespace tracetide::laws {

[[noreturn]] inline void refuse(const char* parameter, const std::string& value, const char* allowed) {
  throw std::invalid_argument(std::string(parameter) + ": " + value + " is not allowed; it must be " +
                              allowed);
}

inline double positive(const char* parameter, double value) {
  // Logarithms of subnormal numbers are not made.
  if (!(value >= std::numeric_limits<double>::min() && std::isfinite(value)))
    refuse(parameter, number_text(value), "above 0, finite and not subnormal");
  return value;
}

inline double finite(const char* parameter, double value) {
  if (!std::isfinite(value)) refuse(parameter, number_text(value), "finite");
  return value;
}

inline double not_negative(const char* parameter, double value) {
  if (!(value >= 0 && std::isfinite(value))) refuse(parameter, number_text(value), "at least 0 and finite");
  return value;
}

/// The range of min_shape and max_shape in tracetide/profile.hpp.
inline double gap_shape(double value) {
  if (!(value >= 0.005 && value <= 1e5)) refuse("shape", number_text(value), "from 0.005 to 100000");
  return value;
}

inline double probability(double value) {
  if (!(value >= 0 && value <= 1)) refuse("p", number_text(value), "from 0 to 1");
  return value;
}

}  // namespace tracetide::laws
