// What AliasTable and QuantileTable share.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tracetide/distributions.hpp"

namespace tracetide::laws {

struct Pmf::Table {
  std::vector<double> values;         ///< ascending
  std::vector<double> probabilities;  ///< normalised
  std::vector<double> cumulative;     ///< the last one is 1
  double mean = 0;

  [[nodiscard]] double cdf(double x) const noexcept;

  /// Sorts and checks. @throws std::invalid_argument
  Table(std::span<const double> unsorted, std::span<const double> weights);

  /// The values that can be drawn, those of probability above 0. `numbers` are what a table of whole
  /// numbers holds for them: the values themselves if they are whole, else positions in `reals`.
  struct Drawn {
    std::vector<std::uint32_t> numbers;
    std::vector<double> probabilities;
    std::vector<double> reals;
  };
  [[nodiscard]] Drawn drawn(ValueType type) const;
};

[[nodiscard]] std::shared_ptr<const Pmf::Table> make_pmf(std::span<const std::uint32_t> values,
                                                         std::span<const double> probabilities);
[[nodiscard]] std::shared_ptr<const Pmf::Table> make_pmf(std::span<const double> values,
                                                         std::span<const double> probabilities);

}  // namespace tracetide::laws
