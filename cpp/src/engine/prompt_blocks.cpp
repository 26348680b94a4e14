#include "engine/prompt_blocks.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/access.hpp"
#include "engine/columns.hpp"

namespace tracetide {
namespace {

constexpr std::uint64_t most_ids = std::uint64_t{1} << 31;

std::uint64_t all_blocks(std::uint32_t input, std::uint32_t block_size) noexcept {
  return (std::uint64_t{input} + block_size - 1) / block_size;
}

std::uint32_t* put_ids(std::uint64_t first, std::uint64_t count, std::uint32_t* to) noexcept {
  for (std::uint64_t i = 0; i < count; ++i) *to++ = static_cast<std::uint32_t>(first + i);
  return to;
}

}  // namespace

void RowBlocks::clear() noexcept {
  prompt.clear();
  window.clear();
  first.clear();
  tail.clear();
}

void RowBlocks::set_alone(std::size_t begin, std::size_t rows) {
  if (prompt.size() < rows) {
    prompt.resize(rows);
    std::fill(prompt.begin() + static_cast<std::ptrdiff_t>(begin), prompt.end(), 0u);
  }
  window.resize(rows);
  first.resize(rows);
  tail.resize(rows);
  std::fill(window.begin() + static_cast<std::ptrdiff_t>(begin), window.end(), alone);
}

void BlockNumbers::set_session_blocks(std::int64_t window, std::uint64_t blocks) {
  const std::lock_guard lock(mutex_);
  if (window >= next_window_) session_blocks_[window] = blocks;
}

// Windows up to and including `until` get their ids for sessions.
void BlockNumbers::begin_windows(std::int64_t until) {
  for (; next_window_ <= until; ++next_window_) {
    starts_[next_window_] = next_id_;
    const auto own = session_blocks_.find(next_window_);
    if (own == session_blocks_.end()) continue;
    next_id_ += own->second;
    session_blocks_.erase(own);
  }
}

void BlockNumbers::number(std::uint64_t sequence, std::span<BlockRun> runs, std::int64_t starts_from,
                          std::vector<std::uint64_t>& starts, const Poller& poller) {
  {
    std::unique_lock lock(mutex_);
    while (!turn_.wait_for(lock, poll_interval, [&] { return next_sequence_ == sequence; })) poller.now();
    for (BlockRun& run : runs) {
      if (run.begins) begin_windows(run.window);
      run.first_alone = next_id_;
      next_id_ += run.alone_blocks;
    }
    if (next_id_ > most_ids) {
      throw std::invalid_argument(
          "block_size: the prompts have more than 2^31 different blocks, and hash ids must be below that; "
          "use "
          "a larger block size, a lower rate or a shorter duration");
    }
    starts_.erase(starts_.begin(), starts_.lower_bound(starts_from));
    starts.clear();
    for (const auto& [window, first] : starts_) starts.push_back(first);
    ++next_sequence_;
  }
  turn_.notify_all();
}

std::uint64_t count_alone_blocks(const Batch& batch, const PromptTemplates& templates,
                                 std::uint32_t block_size, std::size_t first, std::size_t last,
                                 RowBlocks& rows) {
  std::uint64_t total = 0;
  for (std::size_t row = first; row < last; ++row) {
    if (rows.window[row] != RowBlocks::alone) continue;
    const std::uint32_t input = batch.input_tokens()[row];
    rows.prompt[row] = templates.within(rows.prompt[row], input);
    total += all_blocks(input, block_size) - templates.blocks(rows.prompt[row]);
  }
  return total;
}

void put_hash_ids(std::span<const BlockRun> runs, const RowBlocks& rows, const PromptTemplates& templates,
                  std::uint32_t block_size, std::int64_t starts_from, std::span<const std::uint64_t> starts,
                  Batch& batch) {
  ListColumn& list = Access::columns(batch).hash_ids;
  const std::span<const std::uint32_t> input = batch.input_tokens();
  list.offsets.resize(input.size() + 1);
  list.offsets[0] = 0;
  std::size_t total = 0;
  for (std::size_t row = 0; row < input.size(); ++row) {
    total += all_blocks(input[row], block_size);
    check_items(total);
    list.offsets[row + 1] = static_cast<std::int32_t>(total);
  }
  list.values.resize(total);
  for (const BlockRun& run : runs) {
    std::uint64_t next = run.first_alone;
    for (std::size_t row = run.first_row; row < run.last_row; ++row) {
      std::uint32_t* to = templates.put(rows.prompt[row], list.values.data() + list.offsets[row]);
      const std::uint64_t shared = templates.blocks(rows.prompt[row]);
      if (rows.window[row] == RowBlocks::alone) {
        const std::uint64_t own = all_blocks(input[row], block_size) - shared;
        put_ids(next, own, to);
        next += own;
        continue;
      }
      const std::uint64_t start = starts[static_cast<std::size_t>(rows.window[row] - starts_from)];
      to = put_ids(start + rows.first[row], input[row] / block_size - shared, to);
      if (input[row] % block_size != 0) put_ids(start + rows.tail[row], 1, to);
    }
  }
}

}  // namespace tracetide
