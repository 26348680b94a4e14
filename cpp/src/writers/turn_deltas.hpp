// What each turn of a session adds to those before, for formats whose readers keep the conversation
// themselves: they send all earlier prompts and the answers to them, and behind these what is new.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tracetide {

/// A turn as what it adds.
struct TurnDelta {
  std::uint32_t new_tokens = 0;  ///< at least 1
  std::uint32_t place = 0;       ///< how many turns of its part of the session are above
  std::uint32_t part = 0;        ///< of its session, from 0
};

/// Follows the sessions of a trace in order. A turn that cannot be told as what it adds begins another part:
/// its prompt is not longer than what is there by then (a context that was cut, or reasoning that was left
/// out of it), or by its hash ids begins with something else.
class TurnDeltas {
 public:
  struct Turn {
    std::uint32_t input = 0;
    std::uint32_t output = 0;
    std::span<const std::uint32_t> ids{};  ///< of the blocks of its whole prompt, if they are known
    std::uint32_t block_size = 0;
  };
  [[nodiscard]] TurnDelta next(std::string_view session, const Turn& turn);
  /// The same of a session that has ended `horizon` s behind its first turn, and is forgotten then.
  [[nodiscard]] TurnDelta next(std::uint64_t session, const Turn& turn, double time, double horizon);
  [[nodiscard]] TurnDelta next(std::uint64_t session, const Turn& turn);

  /// Turns that begin another part of their session.
  [[nodiscard]] std::uint64_t split_turns() const noexcept { return split_turns_; }

 private:
  struct Context {
    std::uint64_t tokens = 0;  // of the last prompt and its answer; 0: there was none
    std::uint64_t begin = 0;   // a hash of the ids of the last prompt's full blocks
    std::uint32_t blocks = 0;  // how many these are
    std::uint32_t place = 0;
    std::uint32_t part = 0;
  };
  [[nodiscard]] TurnDelta next(Context& context, const Turn& turn);

  std::uint64_t split_turns_ = 0;
  std::unordered_map<std::uint64_t, Context> numbered_;
  std::unordered_map<std::string, Context> named_;
  std::deque<std::pair<double, std::uint64_t>> begun_;  // of sessions that are forgotten
};

/// Hash ids of deltas: those of a first turn stay the same for the same block, all others are used once.
/// Keeps an entry for every different id of first turns.
class DeltaIds {
 public:
  explicit DeltaIds(std::uint64_t limit) : limit_(limit) {}
  /// @return whether there were enough ids below the limit
  [[nodiscard]] bool add_first(std::span<const std::uint32_t> ids, std::vector<std::uint32_t>& out);
  [[nodiscard]] bool add_new(std::size_t count, std::vector<std::uint32_t>& out);

 private:
  std::uint64_t limit_;
  std::uint64_t next_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> known_;
};

}  // namespace tracetide
