#include "prefixes/lru_stack.hpp"

#include <algorithm>
#include <stdexcept>

namespace tracetide {

namespace {
constexpr std::size_t least_slots = 1024;
constexpr std::size_t most_slots = std::size_t{1} << 31;
}  // namespace

std::uint64_t LruStack::distance(std::uint32_t block) const {
  const auto found = slot_of_.find(block);
  if (found == slot_of_.end()) return never;
  return slot_of_.size() - used_before(std::size_t{found->second} + 1);
}

void LruStack::use(std::uint32_t block) {
  if (next_ == block_at_.size()) make_room();
  const auto [at, is_new] = slot_of_.try_emplace(block, 0);
  if (!is_new) {
    is_last_use_[at->second] = false;
    add(at->second, ~std::uint32_t{0});  // minus 1
  }
  at->second = static_cast<std::uint32_t>(next_);
  block_at_[next_] = block;
  is_last_use_[next_] = true;
  add(next_, 1);
  ++next_;
}

void LruStack::add(std::size_t slot, std::uint32_t value) noexcept {
  for (std::size_t i = slot + 1; i < tree_.size(); i += i & (~i + 1)) tree_[i] += value;
}

std::uint64_t LruStack::used_before(std::size_t slot) const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = slot; i > 0; i &= i - 1) sum += tree_[i];
  return sum;
}

/// Moves the last uses together, and doubles the slots if more than half are taken then.
void LruStack::make_room() {
  std::size_t kept = 0;
  for (std::size_t slot = 0; slot < next_; ++slot) {
    if (!is_last_use_[slot]) continue;
    block_at_[kept] = block_at_[slot];
    slot_of_[block_at_[kept]] = static_cast<std::uint32_t>(kept);
    ++kept;
  }
  std::size_t slots = std::max(block_at_.size(), least_slots);
  if (2 * kept > slots) slots *= 2;
  if (slots > most_slots) throw std::length_error("more than 2^30 different blocks");
  block_at_.resize(slots);
  is_last_use_.assign(slots, false);
  std::fill_n(is_last_use_.begin(), static_cast<std::ptrdiff_t>(kept), true);
  // Node i sums the slots of the lowest bit of i up to i; with the first `kept` taken that is a count.
  tree_.assign(slots + 1, 0);
  for (std::size_t i = 1; i <= slots; ++i) {
    const std::size_t first = i - (i & (~i + 1));
    tree_[i] = static_cast<std::uint32_t>(std::min(i, kept) - std::min(first, kept));
  }
  next_ = kept;
}

}  // namespace tracetide
