// The LRU stack of a stream of block ids: how many other blocks were used since a block was.
#pragma once

#include <cstdint>
#include <limits>
#include <unordered_map>
#include <vector>

namespace tracetide {

/// An LRU cache of c blocks holds exactly the blocks of distance below c, so one pass answers for every size
/// (Mattson, Gecsei, Slutz & Traiger 1970). Distances are counts over the last uses, kept in a binary indexed
/// tree (Fenwick 1994; Bennett & Kruskal 1975 for this use). 16 to 24 bytes and a map entry for each block.
class LruStack {
 public:
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

  /// Different blocks used since `block` was; 0 for the last one used, `never` if it was not used at all.
  [[nodiscard]] std::uint64_t distance(std::uint32_t block) const;

  /// Makes `block` the last one used.
  void use(std::uint32_t block);

  /// Different blocks used so far.
  [[nodiscard]] std::uint64_t size() const noexcept { return slot_of_.size(); }

 private:
  void add(std::size_t slot, std::uint32_t value) noexcept;
  [[nodiscard]] std::uint64_t used_before(std::size_t slot) const noexcept;
  void make_room();

  std::unordered_map<std::uint32_t, std::uint32_t> slot_of_;  // of the last use, in order of time
  std::vector<std::uint32_t> block_at_;
  std::vector<bool> is_last_use_;
  std::vector<std::uint32_t> tree_;  // sums of is_last_use_
  std::size_t next_ = 0;
};

}  // namespace tracetide
