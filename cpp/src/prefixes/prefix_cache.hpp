// How many blocks of prompts a prefix cache would have held, of every size at once.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "prefixes/lru_stack.hpp"

namespace tracetide {

/// Takes the blocks of one prompt after the other. A block is a hit if it and all before it in the prompt are
/// in the cache. Blocks of a prompt count as used from the last to the first, so that a prefix outlives what
/// follows it.
class PrefixCache {
 public:
  static constexpr std::size_t distance_bins = 33;

  /// `sizes`: of the caches to count for, in blocks, ascending.
  explicit PrefixCache(std::vector<std::uint64_t> sizes);

  void add(std::span<const std::uint32_t> blocks);

  [[nodiscard]] std::uint64_t requests() const noexcept { return requests_; }
  [[nodiscard]] std::uint64_t blocks() const noexcept { return blocks_; }
  [[nodiscard]] std::uint64_t different_blocks() const noexcept { return stack_.size(); }
  /// Hits of a cache that holds everything.
  [[nodiscard]] std::uint64_t hits() const noexcept { return hits_; }
  /// Hits of a cache of each size.
  [[nodiscard]] std::vector<std::uint64_t> hits_by_size() const;
  /// Blocks by reuse distance: bin k counts distances of k binary digits, from 2^(k-1) to below 2^k.
  [[nodiscard]] const std::array<std::uint64_t, distance_bins>& distances() const noexcept {
    return distances_;
  }

 private:
  LruStack stack_;
  std::vector<std::uint64_t> sizes_;
  std::vector<std::uint64_t> first_size_;  // hits by the smallest size that has them
  std::array<std::uint64_t, distance_bins> distances_{};
  std::uint64_t requests_ = 0;
  std::uint64_t blocks_ = 0;
  std::uint64_t hits_ = 0;
};

}  // namespace tracetide
