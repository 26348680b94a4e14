#include "distributions/alias_table.hpp"

#include <cassert>

namespace tracetide {
namespace {

constexpr double two_to_32 = 4294967296.0;

struct Cell {
  std::uint32_t threshold;
  std::uint32_t alias;  // position of the alias
};

// Vose: scale the probabilities to mean 1; a cell that is short of 1 is filled up by one with a surplus.
// Invariant: the cells on the two stacks together still hold exactly as much probability as there are
// cells. What rounding leaves on a stack at the end is 1 but for rounding, and becomes its own alias.
std::vector<Cell> vose(std::span<const double> probabilities) {
  const auto n = static_cast<std::uint32_t>(probabilities.size());
  double total = 0;
  for (const double p : probabilities) total += p;
  std::vector<double> scaled(n);
  std::vector<std::uint32_t> small;
  std::vector<std::uint32_t> large;
  for (std::uint32_t i = 0; i < n; ++i) {
    scaled[i] = probabilities[i] / total * n;
    (scaled[i] < 1.0 ? small : large).push_back(i);
  }
  std::vector<Cell> cells(n);
  for (std::uint32_t i = 0; i < n; ++i) cells[i] = {0xFFFFFFFFu, i};
  while (!small.empty() && !large.empty()) {
    const std::uint32_t needy = small.back();
    const std::uint32_t donor = large.back();
    small.pop_back();
    cells[needy] = {static_cast<std::uint32_t>(scaled[needy] * two_to_32), donor};
    scaled[donor] -= 1.0 - scaled[needy];
    if (scaled[donor] < 1.0) {
      large.pop_back();
      small.push_back(donor);
    }
  }
  return cells;
}

}  // namespace

AliasTable make_alias_table(std::span<const std::uint32_t> values, std::span<const double> probabilities) {
  assert(!values.empty() && values.size() == probabilities.size());
  const std::vector<Cell> cells = vose(probabilities);
  AliasTable table;
  table.size = static_cast<std::uint32_t>(values.size());
  table.base = values.front();
  table.wide = values.back() - values.front() > 0xFFFFu;
  table.cells.reserve(table.wide ? 2 * cells.size() : cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::uint64_t threshold = cells[i].threshold;
    const std::uint64_t value = values[i] - table.base;
    const std::uint64_t alias = values[cells[i].alias] - table.base;
    if (table.wide) {
      table.cells.push_back(threshold);
      table.cells.push_back(alias << 32 | value);
    } else {
      table.cells.push_back(threshold << 32 | alias << 16 | value);
    }
  }
  return table;
}

}  // namespace tracetide
