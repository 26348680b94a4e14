// Sessions whose turns wait for each other.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "serving/clock.hpp"
#include "tracetide/serving.hpp"

namespace tracetide {

/// All requests, and when they are sent: the first turn of a session at its time; a later one a delay after
/// the end of the one before, or where it has no delay, at its own time but not before that end.
class ClosedLoop {
 public:
  struct Row {
    std::uint32_t input;
    std::uint32_t output;
    Picoseconds time;   ///< `never`: none
    Picoseconds delay;  ///< `never`: none
    std::uint64_t session;
  };
  struct Sent {
    Picoseconds time;
    std::uint64_t row;

    [[nodiscard]] bool operator>(const Sent& other) const noexcept {
      return time != other.time ? time > other.time : row > other.row;
    }
  };

  void add(const Row& row) { rows_.push_back(row); }
  /// Once, when all rows are there. Calls `poll` for every row.
  /// @throws std::invalid_argument for a first turn without a time
  void start(const std::function<void()>& poll);
  [[nodiscard]] Picoseconds next_time() const noexcept;
  /// The next one to be sent; there must be one.
  [[nodiscard]] Sent next();
  void ended(std::uint64_t row, Picoseconds time);
  [[nodiscard]] const Row& operator[](std::uint64_t row) const noexcept { return rows_[row]; }

 private:
  static constexpr std::uint64_t none = ~std::uint64_t{0};

  std::vector<Row> rows_{};
  std::vector<std::uint64_t> next_turn_{};  // of every row, or none
  std::vector<std::uint64_t> first_turns_{};
  std::size_t sent_ = 0;  // of the first turns
  std::priority_queue<Sent, std::vector<Sent>, std::greater<>> later_turns_{};
};

}  // namespace tracetide
