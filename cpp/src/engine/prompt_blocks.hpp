// Numbers for the blocks of prompts: hash ids.
//
// Ids below that of the first free one belong to system prompts (PromptTemplates). From there on they follow
// the windows: first those of the sessions that start in a window, then those of its requests that stand
// alone, in order of time. So what a shard has to know is one number, that of the blocks before its first
// window.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "base/poller.hpp"
#include "prompts/prompt_templates.hpp"
#include "sessions/session_rows.hpp"
#include "tracetide/batch.hpp"

namespace tracetide {

/// How the blocks of requests are numbered, row by row of a batch.
struct RowBlocks {
  static constexpr std::int64_t alone = std::numeric_limits<std::int64_t>::min();
  Column<std::uint32_t> prompt{};
  Column<std::int64_t> window{};  ///< TurnBlocks::window, or `alone`
  Column<std::uint64_t> first{};  ///< TurnBlocks, of sessions only
  Column<std::uint64_t> tail{};

  void clear() noexcept;
  /// The rows from `begin` on have a prompt, or none has, and stand alone.
  void set_alone(std::size_t begin, std::size_t rows);
};

/// A run of requests of one window, in a batch.
struct BlockRun {
  std::int64_t window = 0;
  bool begins = true;  ///< the first of its window: the sessions that start in it are numbered before
  std::size_t first_row = 0;
  std::size_t last_row = 0;
  std::uint64_t alone_blocks = 0;  ///< of the requests that stand alone, without system prompts
  std::uint64_t first_alone = 0;   ///< the id of the first of them
};

/// Gives out the ids, task by task in their order.
class BlockNumbers {
 public:
  BlockNumbers(std::uint64_t first_id, std::int64_t first_window)
      : next_id_(first_id), next_window_(first_window) {}

  /// Tasks are counted anew.
  void restart() noexcept { next_sequence_ = 0; }
  /// Blocks of the sessions that start in a window; of one that has begun they are known.
  void set_session_blocks(std::int64_t window, std::uint64_t blocks);
  /// Waits for the tasks before `sequence`, then numbers `runs`; sets `starts` to the first id of each of the
  /// windows from `starts_from` on that are known. @throws what the poll throws; std::invalid_argument beyond
  /// 2^31
  void number(std::uint64_t sequence, std::span<BlockRun> runs, std::int64_t starts_from,
              std::vector<std::uint64_t>& starts, const Poller& poller);

 private:
  void begin_windows(std::int64_t until);

  std::mutex mutex_;
  std::condition_variable turn_;
  std::uint64_t next_sequence_ = 0;
  std::uint64_t next_id_;
  std::int64_t next_window_;
  std::map<std::int64_t, std::uint64_t> session_blocks_;  // of windows that have not begun
  std::map<std::int64_t, std::uint64_t> starts_;
};

/// Blocks that the requests of rows first .. last - 1 that stand alone have behind their system prompts,
/// which are shortened to what fits into the input.
[[nodiscard]] std::uint64_t count_alone_blocks(const Batch& batch, const PromptTemplates& templates,
                                               std::uint32_t block_size, std::size_t first, std::size_t last,
                                               RowBlocks& rows);

/// Fills the hash ids of a batch. `starts[w - starts_from]` is the first id of window w.
void put_hash_ids(std::span<const BlockRun> runs, const RowBlocks& rows, const PromptTemplates& templates,
                  std::uint32_t block_size, std::int64_t starts_from, std::span<const std::uint64_t> starts,
                  Batch& batch);

}  // namespace tracetide
