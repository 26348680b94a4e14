// Calls a Poll after every so much work.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "tracetide/poll.hpp"

namespace tracetide {

/// Thrown by the polls of work that nobody waits for any more.
struct Cancelled {};

/// How long a wait lasts at most before its poll is called: costs nothing, and nobody notices it.
inline constexpr std::chrono::milliseconds poll_interval{20};

/// One per thread.
class Poller {
 public:
  Poller() = default;
  explicit Poller(Poll poll) : poll_(std::move(poll)) {}

  /// So many steps have been done, each of 10 to 100 ns. @throws what the poll throws
  void did(std::uint64_t steps) {
    if (steps < left_) {
      left_ -= steps;
      return;
    }
    left_ = steps_between;
    now();
  }
  /// For waits. @throws what the poll throws
  void now() const {
    if (poll_) poll_();
  }

 private:
  static constexpr std::uint64_t steps_between = std::uint64_t{1} << 16;

  Poll poll_{};
  std::uint64_t left_ = steps_between;
};

}  // namespace tracetide
