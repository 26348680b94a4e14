#include "profile/session_check.hpp"

#include <algorithm>
#include <cmath>

#include "base/message.hpp"

namespace tracetide::tide {
namespace {

using Wrong = SessionModelChecker::Wrong;

[[noreturn]] void fail(const Wrong& place, std::string message) {
  throw Wrong{place.entry, place.step, std::move(message)};
}

constexpr double longest_service_s = 1e6;
// Of a session with all its sub-agents: calls of tools with all their tries, and of sub-agents.
constexpr double max_session_tries = 1 << 28;

}  // namespace

void SessionModelChecker::run() const {
  std::size_t next_step = 0;
  for (std::size_t number = 0; number < models_.size(); ++number) {
    const SessionModel& model = models_[number];
    if (model.steps == 0 || model.first_step != next_step || model.steps > steps_.size() - next_step) {
      fail({number}, "steps " + std::to_string(model.first_step) + " and " + std::to_string(model.steps) +
                         " on do not follow on the model before, or do not exist; at least one is needed");
    }
    check_model(number);
    for (std::size_t i = 0; i < model.steps; ++i) check_step(next_step + i, number);
    next_step += model.steps;
  }
  if (next_step != steps_.size()) {
    fail({next_step, true}, "belongs to no model");
  }
  check_sizes();
}

void SessionModelChecker::check_model(std::size_t number) const {
  const SessionModel& model = models_[number];
  const Wrong place{number};
  if (!(model.share >= 0 && model.share <= 1))
    fail(place, "share " + number_text(model.share) + "; allowed: 0 to 1");
  for (const auto& [value, what] :
       {std::pair{model.overhead_s, "overhead"}, std::pair{model.input_s, "time for an input token"},
        std::pair{model.output_s, "time for an output token"}}) {
    if (!(value >= 0 && value <= longest_service_s))
      fail(place, std::string(what) + " " + number_text(value) + " s; allowed: 0 to 1e6");
  }
  check_distribution(model.turns, "turns", 1, max_turns, false, place);
  check_distribution(model.first_tokens, "first tokens", 1, max_tokens, true, place);
  if (model.restarts > 1 || model.waits_from_start > 1 || model.keeps_reasoning > 1 || model.forgets > 1)
    fail(place, "a flag is neither 0 nor 1");
}

void SessionModelChecker::check_step(std::size_t number, std::size_t model) const {
  const SessionStep& step = steps_[number];
  const Wrong place{number, true};
  if (!(step.weight > 0 && step.weight <= 1e9))
    fail(place, "weight " + number_text(step.weight) + "; allowed: above 0, at most 1e9");
  if (!(step.failure >= 0 && step.failure < 1))
    fail(place, "failure " + number_text(step.failure) + "; allowed: from 0 to below 1");
  if (step.retries > max_retries)
    fail(place, std::to_string(step.retries) + " retries; allowed: at most " + std::to_string(max_retries));
  check_distribution(step.wait, "wait", 0, max_tokens, false, place);
  check_distribution(step.tokens, "tokens", 0, max_tokens, true, place);
  check_distribution(step.calls, "calls", 1, max_calls, true, place);
  check_distribution(step.failure_tokens, "failure tokens", 0, max_tokens, true, place);
  if (step.child == SessionStep::missing) return;
  if (step.child >= models_.size() || step.child <= model) {
    fail(place, "sub-agent of model " + std::to_string(step.child) +
                    "; one after the step's own, so that there is no cycle, expected");
  }
  if (step.failure != 0) fail(place, "a failure of " + number_text(step.failure) + "; 0 for sub-agents");
}

void SessionModelChecker::check_distribution(std::uint32_t id, const char* what, double least, double most,
                                             bool optional, const Wrong& place) const {
  if (optional && id == SessionStep::missing) return;
  if (id >= distributions_.size()) {
    fail(place, std::string(what) + ": distribution " + std::to_string(id) + "; there are " +
                    std::to_string(distributions_.size()));
  }
  const DistributionRecord& record = distributions_[id];
  const auto kind = static_cast<DistributionKind>(record.kind);
  if (kind != DistributionKind::integer_pmf && kind != DistributionKind::bins) {
    fail(place, std::string(what) + ": distribution " + std::to_string(id) +
                    " is neither an integer PMF nor bins, which is needed");
  }
  if (record.minimum < least || record.maximum > most) {
    fail(place, std::string(what) + ": from " + number_text(record.minimum) + " to " +
                    number_text(record.maximum) + "; allowed: " + number_text(least) + " to " +
                    number_text(most));
  }
}

// What the limits of turns, calls, tries and sub-agents allow together.
void SessionModelChecker::check_sizes() const {
  std::vector<double> requests(models_.size());
  std::vector<double> tries(models_.size());
  for (std::size_t number = models_.size(); number-- > 0;) {
    const SessionModel& model = models_[number];
    double most_requests = 0;
    double most_tries = 0;
    for (const SessionStep& step : steps_.subspan(model.first_step, model.steps)) {
      const double calls = step.calls == SessionStep::missing ? 1 : distributions_[step.calls].maximum;
      if (step.child == SessionStep::missing) {
        most_tries = std::max(most_tries, calls * (1.0 + step.retries));
      } else {
        most_requests = std::max(most_requests, calls * requests[step.child]);
        most_tries = std::max(most_tries, calls * (1 + tries[step.child]));
      }
    }
    const double turns = distributions_[model.turns].maximum;
    requests[number] = turns + (turns - 1) * most_requests;
    tries[number] = (turns - 1) * most_tries;
    if (requests[number] > max_session_requests) {
      fail({number}, "up to " + number_text(requests[number]) +
                         " requests in a session with its sub-agents; allowed: at most " +
                         number_text(max_session_requests));
    }
    if (tries[number] > max_session_tries) {
      fail({number}, "turns, calls, retries and sub-agents allow up to " + number_text(tries[number]) +
                         " calls and tries in a session; allowed: at most " + number_text(max_session_tries));
    }
  }
}

}  // namespace tracetide::tide
