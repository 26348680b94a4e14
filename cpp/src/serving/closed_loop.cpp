#include "serving/closed_loop.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace tracetide {

void ClosedLoop::start(const std::function<void()>& poll) {
  next_turn_.assign(rows_.size(), none);
  std::unordered_map<std::uint64_t, std::uint64_t> last_turn;
  for (std::uint64_t row = 0; row < rows_.size(); ++row) {
    poll();
    const std::uint64_t session = rows_[row].session;
    if (session != no_session) {
      const auto [at, is_first] = last_turn.try_emplace(session, row);
      if (!is_first) {
        next_turn_[at->second] = row;
        at->second = row;
        continue;
      }
    }
    if (rows_[row].time == never) {
      throw std::invalid_argument("timestamp: row " + std::to_string(row + 1) +
                                  " has none, which is not allowed for the first turn of a session");
    }
    first_turns_.push_back(row);
  }
}

Picoseconds ClosedLoop::next_time() const noexcept {
  const Picoseconds first = sent_ < first_turns_.size() ? rows_[first_turns_[sent_]].time : never;
  return later_turns_.empty() ? first : std::min(first, later_turns_.top().time);
}

ClosedLoop::Sent ClosedLoop::next() {
  const Picoseconds time = next_time();
  if (sent_ < first_turns_.size() && rows_[first_turns_[sent_]].time == time)
    return {time, first_turns_[sent_++]};
  const Sent sent = later_turns_.top();
  later_turns_.pop();
  return sent;
}

void ClosedLoop::ended(std::uint64_t row, Picoseconds time) {
  const std::uint64_t next = next_turn_[row];
  if (next == none) return;
  const Row& turn = rows_[next];
  const Picoseconds own_time = turn.time == never ? time : std::max(time, turn.time);
  later_turns_.push({turn.delay == never ? own_time : later(time, turn.delay), next});
}

}  // namespace tracetide
