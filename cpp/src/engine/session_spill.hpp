// Requests of sessions on their way from the window in which their session starts to their own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "engine/session_window.hpp"

namespace tracetide {

/// Windows of starts are done in any order, and requests taken when all that can reach a window are there.
/// Memory is that of the requests under way: those of the sessions that have started and not ended.
class SessionSpill {
 public:
  /// Sessions start in windows from `first_start` on; requests are taken of windows first .. last - 1.
  SessionSpill(std::int64_t first_start, std::int64_t first, std::int64_t last)
      : first_(first), last_(last), done_until_(first_start) {}

  /// The sessions that start in windows first .. last - 1 are all in `parcels`.
  void put(std::int64_t first, std::int64_t last, SessionParcels& parcels);
  /// The requests that lie in window k, in the order of the trace. Waits until all windows up to k are put.
  /// @throws what the poll throws meanwhile
  [[nodiscard]] SessionRows take(std::int64_t k, const Poller& poller);

 private:
  std::int64_t first_;
  std::int64_t last_;
  std::mutex mutex_;
  std::condition_variable put_;
  std::map<std::int64_t, std::vector<SessionRows>> parcels_;
  std::map<std::int64_t, std::int64_t> done_;  // ranges of windows beyond done_until_
  std::int64_t done_until_;
};

}  // namespace tracetide
