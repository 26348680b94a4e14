#include "serving/min_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace tracetide {
namespace {

TEST(MinTree, KnowsTheFirstOfTheLeastKeys) {
  std::mt19937 random(1);
  for (const std::size_t size : {1u, 2u, 3u, 5u, 8u, 25u}) {
    MinTree<std::int64_t> tree(size, 7);
    std::vector<std::int64_t> keys(size, 7);
    for (int i = 0; i < 500; ++i) {
      const auto least = std::ranges::min_element(keys);
      ASSERT_EQ(tree.argmin(), static_cast<std::size_t>(least - keys.begin())) << size;
      ASSERT_EQ(tree.min(), *least);
      const std::size_t at = random() % size;
      keys[at] = static_cast<std::int64_t>(random() % 20);
      tree.set(at, keys[at]);
    }
  }
}

}  // namespace
}  // namespace tracetide
