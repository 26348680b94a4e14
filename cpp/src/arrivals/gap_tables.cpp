#include "arrivals/gap_tables.hpp"

#include <numeric>

#include "profile/arrival_check.hpp"

namespace tracetide {

GapTables::GapTables(const Profile& profile) {
  tables_.reserve(profile.gap_tables());
  for (std::uint32_t number = 0; number < profile.gap_tables(); ++number) {
    const GapTable table = profile.gap_table(number);
    const std::size_t bins = table.probabilities.size();
    const double mean = mean_gap(table);
    std::vector<std::uint32_t> bin(bins);
    std::iota(bin.begin(), bin.end(), 0u);
    std::vector<double> start(bins);
    std::vector<double> time(bins);
    for (std::size_t i = 0; i < bins; ++i) {
      start[i] = bin_start(table, i) / mean;
      time[i] = table.probabilities[i] * start[i];
    }
    tables_.push_back(
        {make_alias_table(bin, table.probabilities), make_alias_table(bin, time), std::move(start)});
  }
}

GapLaw GapTables::law(Family family, double shape) const noexcept {
  if (family != Family::table) return make_gap_law(family, shape);
  const Table& table = tables_[static_cast<std::size_t>(shape)];
  return make_gap_law(GapTableView{table.cells.cells.data(), table.biased.cells.data(), table.start.data(),
                                   table.cells.size});
}

}  // namespace tracetide
