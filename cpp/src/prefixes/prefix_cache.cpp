#include "prefixes/prefix_cache.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

namespace tracetide {

PrefixCache::PrefixCache(std::vector<std::uint64_t> sizes)
    : sizes_(std::move(sizes)), first_size_(sizes_.size() + 1) {}

void PrefixCache::add(std::span<const std::uint32_t> blocks) {
  ++requests_;
  blocks_ += blocks.size();
  bool is_prefix = true;
  std::uint64_t farthest = 0;
  for (const std::uint32_t block : blocks) {
    const std::uint64_t distance = stack_.distance(block);
    if (distance == LruStack::never) {
      is_prefix = false;
      continue;
    }
    ++distances_[static_cast<std::size_t>(std::bit_width(distance))];
    if (!is_prefix) continue;
    farthest = std::max(farthest, distance);
    ++hits_;
    ++first_size_[static_cast<std::size_t>(std::ranges::upper_bound(sizes_, farthest) - sizes_.begin())];
  }
  for (std::size_t i = blocks.size(); i-- > 0;) stack_.use(blocks[i]);
}

std::vector<std::uint64_t> PrefixCache::hits_by_size() const {
  std::vector<std::uint64_t> hits(sizes_.size());
  std::partial_sum(first_size_.begin(), first_size_.end() - 1, hits.begin());
  return hits;
}

}  // namespace tracetide
