#include "distributions/quantile_table.hpp"

#include <algorithm>
#include <cassert>

namespace tracetide {

QuantileTable make_quantile_table(std::span<const std::uint32_t> values,
                                  std::span<const double> probabilities) {
  assert(!values.empty() && values.size() == probabilities.size());
  QuantileTable table;
  table.size = static_cast<std::uint32_t>(values.size());
  table.values.assign(values.begin(), values.end());
  double total = 0;
  for (const double p : probabilities) total += p;
  double running = 0;
  for (std::size_t i = 0; i + 1 < probabilities.size(); ++i) {
    running += probabilities[i];
    table.cumulative.push_back(
        static_cast<std::uint32_t>(std::min(running / total * 4294967296.0, 4294967295.0)));
  }
  table.guide.resize(table.size);
  std::uint32_t first = 0;
  for (std::uint64_t cell = 0; cell < table.size; ++cell) {
    // The smallest word of the cell.
    const std::uint64_t word = ((cell << 32) + table.size - 1) / table.size;
    while (first + 1 < table.size && table.cumulative[first] <= word) ++first;
    table.guide[cell] = first;
  }
  return table;
}

}  // namespace tracetide
