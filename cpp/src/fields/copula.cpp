#include "fields/copula.hpp"

#include <algorithm>
#include <stdexcept>

#include "math/correlation.hpp"
#include "math/elementary.hpp"
#include "math/special.hpp"

namespace tracetide {

std::vector<double> make_normal_table() {
  constexpr double inverse_sqrt_two_pi = 0.39894228040143267794;
  std::vector<double> nodes;
  nodes.reserve(2 * (NormalTable::steps + 1));
  for (int k = 0; k <= NormalTable::steps; ++k) {
    const double x = NormalTable::first + static_cast<double>(k) / NormalTable::per_unit;
    nodes.push_back(normal_cdf(x));
    nodes.push_back(inverse_sqrt_two_pi * portable::exp(-0.5 * x * x) / NormalTable::per_unit);
  }
  return nodes;
}

bool CopulaFactor::any() const noexcept { return std::ranges::find(correlated, true) != correlated.end(); }

CopulaFactor make_copula_factor(std::span<const Correlation> correlations, Category category) {
  const std::size_t fields = fields_of(category).size();
  CopulaFactor factor;
  std::vector<double> matrix(fields * fields);
  for (std::size_t i = 0; i < fields; ++i) matrix[i * fields + i] = 1;
  for (const Correlation& entry : correlations) {
    matrix[std::size_t{entry.field_b} * fields + entry.field_a] = normal_correlation(entry.spearman);
    if (entry.spearman != 0) factor.correlated[entry.field_a] = factor.correlated[entry.field_b] = true;
  }
  if (!cholesky(matrix, fields)) {
    throw std::invalid_argument(
        "correlations: they contradict each other; together they must be positive definite");
  }
  for (std::size_t row = 0; row < fields; ++row)
    for (std::size_t column = 0; column <= row; ++column)
      factor.lower[row * CopulaFactor::most + column] = matrix[row * fields + column];
  return factor;
}

Copula Copula::of(const Profile& profile) {
  Copula copula;
  const auto all = profile.correlations();
  for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
    while (end < all.size() && all[end].client == all[begin].client) ++end;
    const CopulaFactor factor = make_copula_factor(all.subspan(begin, end - begin), profile.category());
    if (!factor.any()) continue;
    copula.clients_.push_back(all[begin].client);
    copula.factors_.push_back(factor);
  }
  if (!copula.factors_.empty()) copula.table_ = make_normal_table();
  return copula;
}

Copula Copula::same_for_all(const CopulaFactor& factor) {
  Copula copula;
  if (!factor.any()) return copula;
  copula.factors_.push_back(factor);
  copula.table_ = make_normal_table();
  return copula;
}

const CopulaFactor* Copula::factor(std::uint32_t client) const noexcept {
  if (factors_.empty()) return nullptr;
  if (clients_.empty()) return &factors_.front();
  const auto at = std::ranges::lower_bound(clients_, client);
  if (at == clients_.end() || *at != client) return nullptr;
  return &factors_[static_cast<std::size_t>(at - clients_.begin())];
}

}  // namespace tracetide
