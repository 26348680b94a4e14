// The unfinished requests of all instances.
#pragma once

#include <cstdint>
#include <vector>

#include "serving/clock.hpp"

namespace tracetide {

struct LiveRequest {
  std::uint64_t number = 0;
  std::uint32_t input = 0;
  std::uint32_t output = 0;
  std::uint32_t made = 0;  ///< tokens of the output
  std::uint32_t preemptions = 0;
  Picoseconds arrival = 0;
  Picoseconds first_token = 0;
  Picoseconds last_token = 0;   ///< kept while it is preempted only
  std::uint64_t admission = 0;  ///< ascending in an instance

  /// Tokens that are computed when it is admitted: of the output those that a preemption threw away.
  [[nodiscard]] std::uint64_t prompt() const noexcept { return std::uint64_t{input} + made; }
};

/// Slots that are used again; memory follows the most requests that were unfinished at a time.
class RequestPool {
 public:
  using Slot = std::uint32_t;

  [[nodiscard]] Slot add(const LiveRequest& request) {
    if (free_.empty()) {
      slots_.push_back(request);
      return static_cast<Slot>(slots_.size() - 1);
    }
    const Slot slot = free_.back();
    free_.pop_back();
    slots_[slot] = request;
    return slot;
  }
  void remove(Slot slot) { free_.push_back(slot); }
  [[nodiscard]] LiveRequest& operator[](Slot slot) noexcept { return slots_[slot]; }

 private:
  std::vector<LiveRequest> slots_;
  std::vector<Slot> free_;
};

}  // namespace tracetide
