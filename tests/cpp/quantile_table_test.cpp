#include "distributions/quantile_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "kernels/kernels.hpp"

namespace tracetide {
namespace {

TEST(QuantileTable, InvertsTheDistributionFunction) {
  std::vector<std::uint32_t> values;
  std::vector<double> weights;
  std::mt19937_64 random(1);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    values.push_back(3 * i);
    weights.push_back(i % 5 == 0 ? 0.0 : static_cast<double>(random() % 1000));
  }
  const QuantileTable table = make_quantile_table(values, weights);
  std::vector<std::uint32_t> words{0, 1, 0x7FFFFFFF, 0xFFFFFFFF};
  for (int i = 0; i < 100000; ++i) words.push_back(static_cast<std::uint32_t>(random()));
  for (const std::uint32_t cumulative : table.cumulative) {
    words.push_back(cumulative);
    words.push_back(cumulative - 1);
  }
  std::vector<std::uint32_t> drawn(words.size());
  for (const Kernels* kernels : available_kernels()) {
    kernels->draw_quantile(table.values.data(), table.cumulative.data(), table.guide.data(), table.size,
                           words.data(), static_cast<std::uint32_t>(words.size()), drawn.data());
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto above = std::upper_bound(table.cumulative.begin(), table.cumulative.end(), words[i]);
      ASSERT_EQ(drawn[i], values[static_cast<std::size_t>(above - table.cumulative.begin())]) << words[i];
    }
  }
}

TEST(QuantileTable, RanksAreMonotone) {
  const QuantileTable table =
      make_quantile_table(std::vector<std::uint32_t>{5, 6, 9}, std::vector<double>{1, 2, 1});
  EXPECT_EQ(table.cumulative, (std::vector<std::uint32_t>{0x40000000u, 0xC0000000u}));
  EXPECT_EQ(table.guide.size(), 3u);
}

}  // namespace
}  // namespace tracetide
