// Makes the sessions that start in a window, and deals their requests out to the windows in which they lie.
#pragma once

#include <cstdint>
#include <map>

#include "arrivals/arrival_plan.hpp"
#include "engine/session_plan.hpp"
#include "engine/window_arrivals.hpp"
#include "sessions/session_maker.hpp"

namespace tracetide {

/// Requests of sessions by the window of the job in which they lie.
using SessionParcels = std::map<std::int64_t, SessionRows>;

/// Reusable; one per thread. For a job with sessions.
class SessionWindowMaker {
 public:
  /// `poller` is told of the work, and outlives this.
  SessionWindowMaker(const JobState& job, const Kernels& kernels, Poller& poller);

  /// Adds the requests of the sessions that start in window k and lie in windows of the job. Returns how many
  /// blocks of prompts are numbered from the window's first on, where the job has hash ids.
  std::uint64_t make(std::int64_t k, ArrivalScratch& scratch, SessionParcels& out);

 private:
  void deal(std::int64_t k, const SessionStarts& starts, std::size_t first, const SessionRows& rows,
            std::span<const std::size_t> ends, SessionParcels& out);
  /// Numbers the blocks of the turns of one session that are dealt out.
  void number_blocks(std::int64_t k, const SessionRows& rows);
  /// The first window that a session does not reach.
  [[nodiscard]] std::int64_t cut(std::int64_t k, double uniform, std::int64_t last) const;

  const JobState* job_;
  const SessionPlan* plan_;
  WindowArrivals window_{};
  ArrivalPlan arrivals_;
  SessionMaker maker_;
  Column<std::int64_t> times_;
  std::uint64_t blocks_ = 0;  // of the window so far
  // One session: which rows lie where, and by chain its whole blocks and those that are left.
  struct Dealt {
    std::size_t row;
    std::int64_t window;
    TurnBlocks blocks;
  };
  struct Chain {
    std::uint64_t whole = 0;
    std::uint64_t left = 0;
    std::uint64_t first = 0;
  };
  std::vector<Dealt> dealt_;
  std::vector<Chain> chains_;
};

}  // namespace tracetide
