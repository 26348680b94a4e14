#include "engine/session_spill.hpp"

namespace tracetide {

void SessionSpill::put(std::int64_t first, std::int64_t last, SessionParcels& parcels) {
  {
    const std::lock_guard lock(mutex_);
    for (auto& [window, rows] : parcels) {
      if (window >= first_ && window < last_) parcels_[window].push_back(std::move(rows));
    }
    done_[first] = last;
    for (auto next = done_.begin(); next != done_.end() && next->first == done_until_;
         next = done_.erase(next)) {
      done_until_ = next->second;
    }
  }
  parcels.clear();
  put_.notify_all();
}

SessionRows SessionSpill::take(std::int64_t k, const Poller& poller) {
  std::vector<SessionRows> parts;
  {
    std::unique_lock lock(mutex_);
    // Looked at now and then, as whoever cancels does not know of this wait.
    while (!put_.wait_for(lock, poll_interval, [&] { return done_until_ > k; })) poller.now();
    const auto found = parcels_.find(k);
    if (found == parcels_.end()) return {};
    parts = std::move(found->second);
    parcels_.erase(found);
  }
  SessionRows all = std::move(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) all.append(parts[i]);
  all.sort();
  return all;
}

}  // namespace tracetide
