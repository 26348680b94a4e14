// Reuse distances and hits of prefix caches, against a cache that is really kept.
#include "prefixes/prefix_cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <numeric>
#include <random>
#include <vector>

namespace tracetide {
namespace {

std::uint64_t really(std::list<std::uint32_t>& cache, std::size_t size,
                     std::span<const std::uint32_t> prompt) {
  std::uint64_t hits = 0;
  while (hits < prompt.size() && std::ranges::find(cache, prompt[hits]) != cache.end()) ++hits;
  for (std::size_t i = prompt.size(); i-- > 0;) {
    cache.remove(prompt[i]);
    cache.push_front(prompt[i]);
  }
  while (cache.size() > size) cache.pop_back();
  return hits;
}

TEST(LruStack, CountsOtherBlocksSince) {
  LruStack stack;
  EXPECT_EQ(stack.distance(7), LruStack::never);
  for (const std::uint32_t block : {7u, 8u, 9u, 8u}) stack.use(block);
  EXPECT_EQ(stack.distance(8), 0u);
  EXPECT_EQ(stack.distance(9), 1u);
  EXPECT_EQ(stack.distance(7), 2u);
  EXPECT_EQ(stack.size(), 3u);
}

TEST(LruStack, SurvivesMovingItsSlots) {
  LruStack stack;
  std::vector<std::uint32_t> order;  // the last used first
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto block = static_cast<std::uint32_t>(std::min(random() % 1500, random() % 1500));
    const auto at = std::ranges::find(order, block);
    const std::uint64_t expected =
        at == order.end() ? LruStack::never : static_cast<std::uint64_t>(at - order.begin());
    ASSERT_EQ(stack.distance(block), expected) << i;
    if (at != order.end()) order.erase(at);
    order.insert(order.begin(), block);
    stack.use(block);
  }
}

TEST(PrefixCache, HasTheHitsOfCachesOfAnySize) {
  const std::vector<std::uint64_t> sizes{0, 1, 5, 40, 200, 100'000};
  PrefixCache counted(sizes);
  std::vector<std::list<std::uint32_t>> caches(sizes.size());
  std::vector<std::uint64_t> hits(sizes.size());
  std::mt19937 random(2);
  std::uint64_t blocks = 0;
  for (int request = 0; request < 2000; ++request) {
    // A chain of one of 30 roots; later parts differ.
    std::vector<std::uint32_t> prompt;
    const auto root = static_cast<std::uint32_t>(std::min(random() % 30, random() % 30));
    const auto length = static_cast<std::uint32_t>(random() % 12);
    prompt.reserve(length);
    for (std::uint32_t i = 0; i < length; ++i) {
      prompt.push_back(root * 1000 + i * 10 + (i < 5 ? 0 : static_cast<std::uint32_t>(random() % 3)));
    }
    blocks += prompt.size();
    for (std::size_t k = 0; k < sizes.size(); ++k)
      hits[k] += really(caches[k], static_cast<std::size_t>(sizes[k]), prompt);
    counted.add(prompt);
  }
  EXPECT_EQ(counted.hits_by_size(), hits);
  EXPECT_EQ(counted.hits(), hits.back());
  EXPECT_EQ(counted.blocks(), blocks);
  EXPECT_EQ(counted.requests(), 2000u);
  EXPECT_EQ(counted.different_blocks(), caches.back().size());
  const auto& bins = counted.distances();
  EXPECT_EQ(std::accumulate(bins.begin(), bins.end(), std::uint64_t{0}), blocks - counted.different_blocks());
}

TEST(PrefixCache, EndsAPrefixAtTheFirstMiss) {
  PrefixCache cache({10});
  cache.add(std::vector<std::uint32_t>{1, 2, 3});
  cache.add(std::vector<std::uint32_t>{9, 2, 3});
  EXPECT_EQ(cache.hits(), 0u);
  cache.add(std::vector<std::uint32_t>{1, 2, 8});
  EXPECT_EQ(cache.hits(), 2u);
  cache.add({});
  EXPECT_EQ(cache.requests(), 4u);
}

}  // namespace
}  // namespace tracetide
