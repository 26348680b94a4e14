// The least of keys that change one at a time: a winner tree (Knuth, TAOCP 3, 5.2.3).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace tracetide {

/// Keys 0 .. size - 1. Changing one takes at most log2(size) comparisons, the least none.
template <class Key>
class MinTree {
 public:
  /// All keys are `key`; leaves beyond `size` never win, as theirs is the largest there is.
  MinTree(std::size_t size, Key key)
      : leaves_(std::bit_ceil(size)), keys_(leaves_, std::numeric_limits<Key>::max()), winner_(2 * leaves_) {
    std::fill_n(keys_.begin(), size, key);
    for (std::uint32_t leaf = 0; leaf < leaves_; ++leaf) winner_[leaves_ + leaf] = leaf;
    for (std::size_t node = leaves_; node-- > 1;) winner_[node] = winner_[2 * node];
  }

  void set(std::size_t at, Key key) noexcept {
    if (keys_[at] == key) return;
    keys_[at] = key;
    for (std::size_t node = (leaves_ + at) / 2; node > 0; node /= 2) {
      const std::uint32_t left = winner_[2 * node];
      const std::uint32_t right = winner_[2 * node + 1];
      const std::uint32_t winner = keys_[right] < keys_[left] ? right : left;
      // Where another key still wins, nothing changes above.
      if (winner == winner_[node] && winner != at) return;
      winner_[node] = winner;
    }
  }

  /// Where the least key is; the first of equal ones.
  [[nodiscard]] std::size_t argmin() const noexcept { return winner_[1]; }
  [[nodiscard]] Key min() const noexcept { return keys_[winner_[1]]; }

 private:
  std::size_t leaves_;
  std::vector<Key> keys_;
  std::vector<std::uint32_t> winner_;  // of every node; the root is 1, and the leaves are the last
};

}  // namespace tracetide
