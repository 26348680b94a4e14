// Gaussian copula: fields of a request whose ranks are those of correlated normal variates.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.hpp"
#include "kernels/normal_table.hpp"
#include "tracetide/profile.hpp"

namespace tracetide {

/// The lower-triangular factor of a correlation matrix, by position of the fields in fields_of(category).
/// A field that is correlated with none is drawn on its own.
struct CopulaFactor {
  static constexpr std::size_t most = 8;  ///< fields of a category
  std::array<bool, most> correlated{};
  std::array<double, most * most> lower{};  ///< in rows

  [[nodiscard]] bool any() const noexcept;
};

/// Of the correlations of one client. @throws std::invalid_argument if they contradict each other
[[nodiscard]] CopulaFactor make_copula_factor(std::span<const Correlation> correlations, Category category);

/// The factors of the clients of a profile: their own, or one for all.
class Copula {
 public:
  Copula() = default;  ///< nothing is correlated
  static Copula of(const Profile& profile);
  static Copula same_for_all(const CopulaFactor& factor);

  /// Null if the fields of the client are independent.
  [[nodiscard]] const CopulaFactor* factor(std::uint32_t client) const noexcept;
  [[nodiscard]] NormalTable table() const noexcept { return {table_.data()}; }

 private:
  std::vector<std::uint32_t> clients_{};  // ascending; empty with a factor: all
  std::vector<CopulaFactor> factors_{};
  std::vector<double> table_{};
};

}  // namespace tracetide
