#include "distributions/alias_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace tracetide {
namespace {

// The probability of each value that a table stands for, counted cell by cell.
std::map<std::uint32_t, double> probabilities(const AliasTable& table) {
  std::map<std::uint32_t, double> total;
  for (std::uint32_t i = 0; i < table.size; ++i) {
    const std::uint64_t cell = table.cells[table.wide ? 2 * i : i];
    const double keep = static_cast<double>(table.wide ? cell : cell >> 32) / 4294967296.0;
    const std::uint64_t pair = table.wide ? table.cells[2 * i + 1] : cell;
    const auto value = static_cast<std::uint32_t>(table.wide ? pair & 0xFFFFFFFFu : pair & 0xFFFFu);
    const auto alias = static_cast<std::uint32_t>(table.wide ? pair >> 32 : pair >> 16 & 0xFFFFu);
    total[table.base + value] += keep / table.size;
    total[table.base + alias] += (1 - keep) / table.size;
  }
  return total;
}

// By hand: three values with 1/2, 1/4, 1/4 scale to 3/2, 3/4, 3/4. Each of the last two is short of 1 by 1/4,
// which the first gives and then has 1 itself.
TEST(AliasTable, SmallTableByHand) {
  const AliasTable table =
      make_alias_table(std::vector<std::uint32_t>{10, 20, 30}, std::vector<double>{0.5, 0.25, 0.25});
  ASSERT_EQ(table.size, 3u);
  EXPECT_EQ(table.base, 10u);
  EXPECT_FALSE(table.wide);
  EXPECT_EQ(table.cells, (std::vector<std::uint64_t>{
                             0xFFFFFFFF00000000u,  // 10 always (its alias is itself)
                             0xC00000000000000Au,  // 20, else 10
                             0xC000000000000014u,  // 30, else 10
                         }));
}

TEST(AliasTable, MeetsEveryProbabilityToWithin32Bits) {
  std::vector<std::uint32_t> values;
  std::vector<double> weights;
  double total = 0;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    values.push_back(100 + 13 * i);
    weights.push_back(1.0 / (1.0 + i) + (i % 7 == 0 ? 0.0 : 1e-9));
    total += weights.back();
  }
  const auto found = probabilities(make_alias_table(values, weights));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto at = found.find(values[i]);
    ASSERT_NEAR(at == found.end() ? 0.0 : at->second, weights[i] / total, 0x1p-32) << i;
  }
}

TEST(AliasTable, WideValuesTakeWideCells) {
  const AliasTable table =
      make_alias_table(std::vector<std::uint32_t>{0, 65536, 4294967295u}, std::vector<double>{1, 2, 1});
  EXPECT_TRUE(table.wide);
  const auto found = probabilities(table);
  EXPECT_NEAR(found.at(0), 0.25, 0x1p-32);
  EXPECT_NEAR(found.at(65536), 0.5, 0x1p-32);
  EXPECT_NEAR(found.at(4294967295u), 0.25, 0x1p-32);
}

TEST(AliasTable, OneValueIsAlwaysDrawn) {
  const AliasTable table = make_alias_table(std::vector<std::uint32_t>{42}, std::vector<double>{1e-3});
  EXPECT_EQ(probabilities(table).size(), 1u);
  EXPECT_EQ(table.cells[0] & 0xFFFFFFFFu, 0u);
}

}  // namespace
}  // namespace tracetide
