// The gap tables of a profile, laid out for drawing.
#pragma once

#include <vector>

#include "distributions/alias_table.hpp"
#include "kernels/gap_law.hpp"
#include "tracetide/profile.hpp"

namespace tracetide {

/// About 2 kB a table and 20 bytes a bin. May be read by several threads.
class GapTables {
 public:
  explicit GapTables(const Profile& profile);

  /// The law of a cell: of a family with its shape, or of a table with its number.
  [[nodiscard]] GapLaw law(Family family, double shape) const noexcept;

 private:
  struct Table {
    AliasTable cells;
    AliasTable biased;
    std::vector<double> start;
  };
  std::vector<Table> tables_{};
};

}  // namespace tracetide
