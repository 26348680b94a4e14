#include "math/correlation.hpp"

#include "math/elementary.hpp"

namespace tracetide {

double normal_correlation(double spearman) noexcept {
  const double size = spearman < 0 ? -spearman : spearman;
  const double sine = portable::sine_cosine_of_turn(size / 12.0).sine;
  return spearman < 0 ? -2.0 * sine : 2.0 * sine;
}

bool cholesky(std::span<double> matrix, std::size_t n) noexcept {
  constexpr double least_variance = 1e-9;
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      double rest = matrix[row * n + column];
      for (std::size_t k = 0; k < column; ++k) rest -= matrix[row * n + k] * matrix[column * n + k];
      if (row == column) {
        if (!(rest > least_variance)) return false;
        matrix[row * n + column] = __builtin_sqrt(rest);
      } else {
        matrix[row * n + column] = rest / matrix[column * n + column];
      }
    }
    for (std::size_t column = row + 1; column < n; ++column) matrix[row * n + column] = 0;
  }
  return true;
}

}  // namespace tracetide
