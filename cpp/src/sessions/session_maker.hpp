// Makes the turns of sessions: conversations, and agents with their tools and sub-agents.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/poller.hpp"
#include "fields/request_fields.hpp"
#include "prompts/prompt_templates.hpp"
#include "sessions/session_rows.hpp"

namespace tracetide {

/// Sessions of one client that start in one window.
struct SessionStarts {
  std::uint32_t client = 0;
  std::uint32_t window = 0;  ///< number in the random streams
  std::uint32_t epoch = 0;
  std::uint64_t first_id = 1;                    ///< id of the first session
  std::uint64_t ids_per_start = 1;               ///< distance to that of the next
  std::int64_t horizon_ns = session_horizon_ns;  ///< later turns are left out
  std::span<const std::int64_t> time_ns;         ///< of their first requests, from the job's start
};

/// By model, ids that a session can need, its sub-agents' and what follows on a full context included.
[[nodiscard]] std::vector<std::uint64_t> ids_per_start(const Profile& profile);
/// By model, the expected number of requests of a session with its sub-agents.
[[nodiscard]] std::vector<double> requests_per_start(const Profile& profile);
/// By model, what it takes to make a session with its sub-agents, in draws, expected: of its requests, of the
/// calls before them and of every try of each.
[[nodiscard]] std::vector<double> draws_per_start(const Profile& profile);

/// Reusable; one per thread.
class SessionMaker {
 public:
  /// `templates`: null where there are no hash ids. `poller` is told of the work, and outlives this.
  SessionMaker(const Profile& profile, const SamplerCache& samplers, Coupling coupling, const Copula& copula,
               std::uint64_t seed, const Kernels& kernels, const PromptTemplates* templates, Poller& poller);

  /// Sessions are made in groups, which bounds memory: calls visit(first, rows, ends),
  /// where rows[ends[i - 1]] to before rows[ends[i]] are the requests of start first + i. Returns how many
  /// requests there would be if none came too late.
  template <class Visit>
  std::uint64_t make(const SessionStarts& starts, Visit&& visit) {
    std::uint64_t rank = first_rank;
    const std::size_t group = group_of_model_[profile_.session_model(starts.client)];
    for (std::size_t first = 0; first < starts.time_ns.size(); first += group) {
      rank += make_group(starts, first, std::min(group, starts.time_ns.size() - first), rank);
      visit(first, rows_, std::span<const std::size_t>(ends_));
    }
    return rank - first_rank;
  }

 private:
  // Fields of sessions use the random words behind those of the window's other requests.
  static constexpr std::uint64_t first_rank = std::uint64_t{1} << 34;

  /// A session as drawn, before its times and lengths: its turns have rows one after the other.
  struct Node {
    std::uint32_t model = 0;
    std::uint32_t turns = 0;
    std::size_t first_row = 0;
    std::uint32_t prompt = 0;
  };
  /// What comes before a turn other than the first.
  struct Gap {
    std::int64_t wait_ns = 0;
    std::uint64_t tokens = 0;
    bool own = false;            ///< to the tokens come those that the client's own input law gives the turn
    bool answers = false;        ///< to the tokens come the sub-agents' answers
    std::size_t first_call = 0;  ///< of sub-agents, into calls_
    std::uint32_t calls = 0;
    std::uint32_t growing = SessionStep::missing;  ///< the step, if its wait grows with lengths
  };
  struct Call {
    std::int64_t wait_ns = 0;
    std::size_t node = 0;
  };
  struct Ended {
    std::int64_t time_ns = 0;
    std::uint64_t answer = 0;  ///< what the last turn's output adds to a context
  };

  std::uint64_t make_group(const SessionStarts& starts, std::size_t first, std::size_t n, std::uint64_t rank);
  void draw_turns(const SessionStarts& starts, std::size_t first, std::size_t n, std::uint32_t model);
  std::size_t draw_session(std::uint32_t model, std::uint32_t turns);
  Gap draw_gap(const SessionModel& model, std::size_t row);
  void draw_children(const SessionStep& step, std::uint32_t calls, std::uint64_t block, Gap& gap);
  void draw_call(const SessionStep& step, std::uint64_t& block, Gap& gap);
  const SessionStep& choose(const SessionModel& model, std::uint32_t word) const;
  std::uint32_t draw(std::uint32_t distribution, std::uint32_t word, std::uint32_t place) const;
  std::array<std::uint32_t, 4> words(Purpose purpose, std::uint64_t index) const noexcept;
  /// The step's number, if its wait grows with lengths.
  std::uint32_t growing(std::size_t step) const noexcept;
  /// The wait of a gap, where the turn before has this output and the turn adds these tokens.
  std::int64_t wait_ns(const Gap& gap, std::uint32_t output, std::uint64_t tokens) const noexcept;
  /// Draws the fields of the rows of gaps_.
  void fill_fields(std::uint32_t model);
  Ended run(std::size_t node, std::int64_t time_ns);
  /// When the turn after `gap` begins, and what sub-agents have answered.
  Ended run_gap(const Gap& gap, std::int64_t from_ns);
  void append_row(const SessionModel& model, std::size_t row, bool own, std::uint64_t input, SessionRow turn);
  void append_blocks(std::uint32_t prompt, bool begins, TurnBlocks& chain);

  Profile profile_;
  const SamplerCache* samplers_;
  std::uint64_t seed_;
  const Kernels* kernels_;
  RequestFields request_fields_;
  Persistence persistence_;
  bool lasts_;  // not where all fields of a request have one rank
  const PromptTemplates* templates_;
  Poller* poller_;
  std::vector<std::size_t> group_of_model_{};  // fewer sessions of many requests

  // One group.
  SessionStarts starts_{};
  std::uint64_t rank_ = 0;
  std::uint64_t next_id_ = 0;
  std::int64_t deadline_ns_ = 0;
  std::uint32_t next_chain_ = 0;
  std::vector<std::uint32_t> turns_{};
  std::vector<Node> nodes_{};
  std::vector<Gap> gaps_{};  // by row
  std::vector<Call> calls_{};
  std::vector<TurnsOfSession> turns_of_session_{};  // by node
  RequestTable fields_{};
  SessionRows rows_{};
  std::vector<std::size_t> ends_{};
};

}  // namespace tracetide
