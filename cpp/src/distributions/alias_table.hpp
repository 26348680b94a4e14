// Alias table: draws from a probability mass function in constant time.
// Walker (1977); construction of Vose (1991).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tracetide {

/// One cell of a table of `size` equally likely cells. A 32-bit random word w picks cell
/// floor(w * size / 2^32) and keeps the 32 bits below the point of that product as a fraction f: below
/// `threshold` the cell's own value is taken, else its alias. Every probability is hence met to within
/// 2^-32 (absolute).
///
/// Values that span less than 2^16 are packed as threshold << 32 | (alias - base) << 16 | (value - base),
/// one load a draw; wider ones take a cell of two 64-bit words.
struct AliasTable {
  std::uint32_t size = 0;
  std::uint32_t base = 0;
  bool wide = false;
  std::vector<std::uint64_t> cells;  ///< wide: cells[2 i] = threshold, cells[2 i + 1] = alias << 32 | value
};

/// `values` ascending and unique; `probabilities` finite, >= 0, with a positive sum; they are normalised.
/// Cost: linear in the number of values.
[[nodiscard]] AliasTable make_alias_table(std::span<const std::uint32_t> values,
                                          std::span<const double> probabilities);

}  // namespace tracetide
