#include "sessions/session_maker.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace tracetide {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr double ns_per_s = 1e9;
// Random words of a gap: blocks from row * 2^12 on; the first is the choice of the step.
constexpr int gap_block_bits = 12;
constexpr double requests_per_group = 0x1p16;
constexpr std::uint64_t draws_per_request = 8;  // about: its fields, its place and its step

double uniform(std::uint32_t word) noexcept { return word * 0x1p-32; }

std::uint32_t to_tokens(std::uint64_t tokens) {
  if (tokens > 0xFFFFFFFFu) {
    throw std::invalid_argument("input_tokens: a turn of a session would have " + std::to_string(tokens) +
                                ", which is not allowed; it must be at most 2^32 - 1: give the sessions a "
                                "context_limit, or fewer turns, calls or tokens");
  }
  return static_cast<std::uint32_t>(tokens);
}

// At most a year: beyond the horizon anyway.
constexpr double longest_s = 3.2e7;

std::int64_t service_ns(const SessionModel& model, std::uint32_t input, std::uint32_t output) noexcept {
  const double seconds = model.overhead_s + model.input_s * input + model.output_s * output;
  return static_cast<std::int64_t>(std::min(seconds, longest_s) * ns_per_s + 0.5);
}

double most_calls(const Profile& profile, const SessionStep& step) {
  return step.calls == SessionStep::missing ? 1.0 : profile.distribution(step.calls).maximum;
}

double mean_of(const Profile& profile, std::uint32_t distribution) {
  return statistics(profile.distribution(distribution), {}).mean;
}

// By model, what an expected session adds up to: `own` of every request, and between two of them what
// `between` says of a step, its expected calls and what a session of its sub-agent adds up to.
template <class Between>
std::vector<double> sums_per_start(const Profile& profile, double own, Between&& between) {
  const auto models = profile.session_models();
  std::vector<double> sums(models.size());
  for (std::size_t number = models.size(); number-- > 0;) {
    const SessionModel& model = models[number];
    double weights = 0;
    double all = 0;
    for (const SessionStep& step : profile.session_steps().subspan(model.first_step, model.steps)) {
      weights += step.weight;
      const double calls = step.calls == SessionStep::missing ? 1.0 : mean_of(profile, step.calls);
      const double of_child = step.child == SessionStep::missing ? 0.0 : sums[step.child];
      all += step.weight * between(step, calls, of_child);
    }
    const double turns = mean_of(profile, model.turns);
    sums[number] = own * turns + (turns - 1) * (all / weights);
  }
  return sums;
}

bool is_simple(const SessionModel& model, const SessionStep& step) noexcept {
  return model.steps == 1 && step.child == SessionStep::missing && step.calls == SessionStep::missing &&
         step.failure == 0;
}

}  // namespace

// Sub-agents' models come after those that call them.
std::vector<std::uint64_t> ids_per_start(const Profile& profile) {
  const auto models = profile.session_models();
  std::vector<std::uint64_t> ids(models.size());
  for (std::size_t number = models.size(); number-- > 0;) {
    const SessionModel& model = models[number];
    std::uint64_t children = 0;
    for (const SessionStep& step : profile.session_steps().subspan(model.first_step, model.steps)) {
      if (step.child == SessionStep::missing) continue;
      children = std::max(children, static_cast<std::uint64_t>(most_calls(profile, step)) * ids[step.child]);
    }
    const auto turns = static_cast<std::uint64_t>(profile.distribution(model.turns).maximum);
    const bool can_restart = model.restarts != 0 && model.context_limit != 0;
    ids[number] = (can_restart ? turns : 1) + (turns - 1) * children;
  }
  return ids;
}

std::vector<double> requests_per_start(const Profile& profile) {
  return sums_per_start(profile, 1.0, [](const SessionStep& step, double calls, double of_child) {
    return step.child == SessionStep::missing ? 0.0 : calls * of_child;
  });
}

std::vector<double> draws_per_start(const Profile& profile) {
  return sums_per_start(
      profile, draws_per_request, [](const SessionStep& step, double calls, double of_child) {
        if (step.child != SessionStep::missing) return calls * (1 + of_child);
        const double tries = (1 - std::pow(step.failure, step.retries + 1)) / (1 - step.failure);
        return calls * (1 + tries);
      });
}

SessionMaker::SessionMaker(const Profile& profile, const SamplerCache& samplers, Coupling coupling,
                           const Copula& copula, std::uint64_t seed, const Kernels& kernels,
                           const PromptTemplates* templates, Poller& poller)
    : profile_(profile),
      samplers_(&samplers),
      seed_(seed),
      kernels_(&kernels),
      request_fields_(profile, samplers, coupling, copula, seed, kernels),
      persistence_(profile),
      lasts_(coupling != Coupling::comonotonic),
      templates_(templates),
      poller_(&poller) {
  for (const double requests : requests_per_start(profile))
    group_of_model_.push_back(
        static_cast<std::size_t>(std::clamp(requests_per_group / requests, 1.0, 1024.0)));
}

// Returns the number of requests.
std::uint64_t SessionMaker::make_group(const SessionStarts& starts, std::size_t first, std::size_t n,
                                       std::uint64_t rank) {
  starts_ = starts;
  rank_ = rank;
  nodes_.clear();
  gaps_.clear();
  calls_.clear();
  rows_.clear();
  ends_.clear();
  const std::uint32_t model = profile_.session_model(starts.client);
  draw_turns(starts, first, n, model);
  std::vector<std::size_t> roots(n);
  for (std::size_t i = 0; i < n; ++i) roots[i] = draw_session(model, turns_[i]);
  fill_fields(model);
  for (std::size_t i = 0; i < n; ++i) {
    next_id_ = starts.first_id + (first + i) * starts.ids_per_start;
    next_chain_ = 0;
    deadline_ns_ = starts.time_ns[first + i] + starts.horizon_ns;
    run(roots[i], starts.time_ns[first + i]);
    ends_.push_back(rows_.row.size());
  }
  return gaps_.size();
}

void SessionMaker::fill_fields(std::uint32_t model) {
  LastingTurns turns{.fields = lasts_ ? persistence_.fields(model) : 0, .table = persistence_.table()};
  turns_of_session_.clear();
  if (turns.fields != 0) {
    for (const Node& node : nodes_)
      turns_of_session_.push_back({&persistence_.of(node.model), node.first_row + node.turns});
    turns.sessions = turns_of_session_;
  }
  fields_.resize(profile_.category(), gaps_.size());
  request_fields_.fill(
      {starts_.client, starts_.window, starts_.epoch, rank_, turns.fields != 0 ? &turns : nullptr},
      gaps_.size(), fields_, 0, rows_.items);
}

void SessionMaker::draw_turns(const SessionStarts& starts, std::size_t first, std::size_t n,
                              std::uint32_t model) {
  turns_.resize(n);
  const std::uint32_t distribution = profile_.session_models()[model].turns;
  for (std::size_t i = 0; i < n; ++i) {
    const auto word = [&](Purpose purpose) {
      return stream_word({seed_, starts.client, starts.window, static_cast<std::uint8_t>(purpose)},
                         first + i);
    };
    turns_[i] = draw(distribution, word(Purpose::session_turns), word(Purpose::session_turns_place));
  }
}

std::size_t SessionMaker::draw_session(std::uint32_t number, std::uint32_t turns) {
  const SessionModel& model = profile_.session_models()[number];
  const std::size_t node = nodes_.size();
  const std::size_t first_row = gaps_.size();
  nodes_.push_back({number, turns, first_row});
  if (templates_ != nullptr) {
    const StreamKey stream{seed_, starts_.client, starts_.window, static_cast<std::uint8_t>(Purpose::prompt)};
    nodes_[node].prompt = templates_->draw(starts_.client, stream, rank_ + first_row);
  }
  gaps_.resize(first_row + turns);
  poller_->did(draws_per_request * turns);
  for (std::size_t row = first_row + 1; row < first_row + turns; ++row) {
    const Gap gap = draw_gap(model, row);
    gaps_[row] = gap;
  }
  return node;
}

std::array<std::uint32_t, 4> SessionMaker::words(Purpose purpose, std::uint64_t index) const noexcept {
  const StreamKey stream{seed_, starts_.client, starts_.window, static_cast<std::uint8_t>(purpose)};
  return philox4x32_10(stream.counter(index), stream.key());
}

std::uint32_t SessionMaker::draw(std::uint32_t distribution, std::uint32_t word, std::uint32_t place) const {
  double scratch = 0;
  std::uint32_t value = 0;
  samplers_->get(distribution, Draw::alias).tokens(*kernels_, &word, &place, 1, &scratch, &value);
  return value;
}

const SessionStep& SessionMaker::choose(const SessionModel& model, std::uint32_t word) const {
  const auto steps = profile_.session_steps().subspan(model.first_step, model.steps);
  double total = 0;
  for (const SessionStep& step : steps) total += step.weight;
  double left = uniform(word) * total;
  for (const SessionStep& step : steps.first(steps.size() - 1)) {
    left -= step.weight;
    if (left < 0) return step;
  }
  return steps.back();
}

SessionMaker::Gap SessionMaker::draw_gap(const SessionModel& model, std::size_t row) {
  Gap gap;
  std::uint64_t block = (rank_ + row) << gap_block_bits;
  const auto choice = words(Purpose::session_step, block++);
  const SessionStep& only = profile_.session_steps()[model.first_step];
  if (is_simple(model, only)) {
    gap.wait_ns = draw(only.wait, choice[0], choice[1]) * ns_per_ms;
    gap.growing = growing(model.first_step);
    gap.own = only.tokens == SessionStep::missing;
    if (!gap.own) gap.tokens = draw(only.tokens, choice[2], choice[3]);
    return gap;
  }
  const SessionStep& step = choose(model, choice[0]);
  const std::uint32_t calls = step.calls == SessionStep::missing ? 1 : draw(step.calls, choice[1], choice[2]);
  if (step.child != SessionStep::missing) {
    draw_children(step, calls, block, gap);
  } else {
    for (std::uint32_t call = 0; call < calls; ++call) draw_call(step, block, gap);
    gap.growing = growing(static_cast<std::size_t>(&step - profile_.session_steps().data()));
  }
  return gap;
}

void SessionMaker::draw_children(const SessionStep& step, std::uint32_t calls, std::uint64_t block,
                                 Gap& gap) {
  gap.answers = step.tokens == SessionStep::missing;
  gap.first_call = calls_.size();
  gap.calls = calls;
  calls_.resize(gap.first_call + calls);
  for (std::uint32_t call = 0; call < calls; ++call) {
    const auto random = words(Purpose::session_step, block++);
    const auto more = words(Purpose::session_step, block++);
    calls_[gap.first_call + call].wait_ns = draw(step.wait, random[0], random[1]) * ns_per_ms;
    if (!gap.answers) gap.tokens += draw(step.tokens, more[0], more[1]);
    const std::uint32_t turns = draw(profile_.session_models()[step.child].turns, random[2], random[3]);
    const std::size_t node = draw_session(step.child, turns);
    calls_[gap.first_call + call].node = node;
  }
}

// One of several calls side by side: tried until it works or the tries run out.
void SessionMaker::draw_call(const SessionStep& step, std::uint64_t& block, Gap& gap) {
  std::int64_t wait_ns = 0;
  bool failed = true;
  for (std::uint32_t attempt = 0; failed && attempt <= step.retries; ++attempt) {
    poller_->did(1);
    const auto random = words(Purpose::session_step, block++);
    wait_ns += draw(step.wait, random[0], random[1]) * ns_per_ms;
    failed = uniform(random[2]) < step.failure;
  }
  gap.wait_ns = std::max(gap.wait_ns, wait_ns);
  const auto random = words(Purpose::session_step, block++);
  if (failed) {
    if (step.failure_tokens != SessionStep::missing)
      gap.tokens += draw(step.failure_tokens, random[0], random[1]);
  } else if (step.tokens != SessionStep::missing) {
    gap.tokens += draw(step.tokens, random[0], random[1]);
  } else {
    gap.own = true;
  }
}

std::uint32_t SessionMaker::growing(std::size_t step) const noexcept {
  const auto waits = profile_.session_waits();
  return waits.empty() || !waits[step].any() ? SessionStep::missing : static_cast<std::uint32_t>(step);
}

std::int64_t SessionMaker::wait_ns(const Gap& gap, std::uint32_t output,
                                   std::uint64_t tokens) const noexcept {
  if (gap.growing == SessionStep::missing) return gap.wait_ns;
  const SessionWaits& waits = profile_.session_waits()[gap.growing];
  const double growth = 1 + waits.output * output + waits.tokens * static_cast<double>(tokens);
  const double wait = static_cast<double>(gap.wait_ns) * growth;
  return static_cast<std::int64_t>(std::min(wait, longest_s * ns_per_s) + 0.5);
}

SessionMaker::Ended SessionMaker::run_gap(const Gap& gap, std::int64_t from_ns) {
  Ended ended{from_ns + gap.wait_ns, 0};
  for (std::uint32_t i = 0; i < gap.calls; ++i) {
    const Call call = calls_[gap.first_call + i];
    const Ended child = run(call.node, from_ns + call.wait_ns);
    ended.time_ns = std::max(ended.time_ns, child.time_ns);
    if (gap.answers) ended.answer += child.answer;
  }
  return ended;
}

// Later turns than the deadline are not made; what waits for them is later still.
SessionMaker::Ended SessionMaker::run(std::size_t number, std::int64_t start_ns) {
  const Node node = nodes_[number];
  const SessionModel& model = profile_.session_models()[node.model];
  SessionRow turn;
  turn.session = next_id_++;
  turn.delay_s = std::numeric_limits<double>::quiet_NaN();
  turn.time_ns = start_ns;
  Ended ended{start_ns, 0};
  std::uint64_t carried = 0;
  std::uint32_t output = 0;  // of the turn before
  TurnBlocks chain;
  for (std::size_t row = node.first_row; row < node.first_row + node.turns; ++row) {
    std::uint64_t fresh = 0;
    bool own = false;
    if (row == node.first_row) {
      own = model.first_tokens == SessionStep::missing;
      if (own) {
        fresh = fields_.column[RequestColumn::input][row];
      } else {
        const auto random = words(Purpose::session_first, rank_ + row);
        fresh = draw(model.first_tokens, random[0], random[1]);
      }
    } else {
      Gap gap = gaps_[row];
      own = gap.own;
      fresh = gap.tokens + (own ? fields_.column[RequestColumn::input][row] : 0);
      gap.wait_ns = wait_ns(gap, output, fresh);
      const Ended waited = run_gap(gap, model.waits_from_start != 0 ? turn.time_ns : ended.time_ns);
      turn.time_ns = waited.time_ns;
      turn.delay_s = static_cast<double>(std::max<std::int64_t>(0, turn.time_ns - ended.time_ns)) / ns_per_s;
      ++turn.turn;
      fresh += waited.answer;
    }
    if (turn.time_ns > deadline_ns_) return {turn.time_ns, 0};
    const bool is_full = model.context_limit != 0 && carried + fresh > model.context_limit;
    if (is_full && model.restarts != 0 && row != node.first_row) {
      turn.session = next_id_++;
      turn.turn = 1;
      turn.delay_s = std::numeric_limits<double>::quiet_NaN();
      carried = 0;
    }
    append_row(model, row, own, carried + fresh, turn);
    // What is cut off is at the beginning: nothing behind the system prompt is where it was.
    if (templates_ != nullptr)
      append_blocks(node.prompt, row == node.first_row || is_full || model.forgets != 0, chain);
    const SessionRow& done = rows_.row.back();
    output = done.output;
    ended.time_ns = turn.time_ns + service_ns(model, done.input, done.output);
    const bool drops = profile_.category() == Category::reason && model.keeps_reasoning == 0;
    ended.answer = done.output - (drops ? done.other : 0);
    carried = model.forgets != 0 ? 0 : done.input + ended.answer;
  }
  return ended;
}

void SessionMaker::append_row(const SessionModel& model, std::size_t row, bool own, std::uint64_t input,
                              SessionRow turn) {
  turn.client = starts_.client;
  turn.output = fields_.column[RequestColumn::output][row];
  std::uint64_t of_items = 0;
  if (profile_.category() == Category::multimodal) {
    TurnItems items;
    for (std::size_t kind = 0; own && kind < item_kinds; ++kind) {
      items.first[kind] = fields_.column[RequestColumn::begin(kind)][row];
      items.count[kind] = fields_.column[RequestColumn::count(kind)][row];
      const std::uint32_t* const item = rows_.items[kind].data() + items.first[kind];
      for (std::uint32_t i = 0; i < items.count[kind]; ++i) of_items += item[i];
    }
    turn.items = static_cast<std::uint32_t>(rows_.items_of.size());
    rows_.items_of.push_back(items);
  }
  if (model.context_limit != 0) input = std::min<std::uint64_t>(input, model.context_limit);
  turn.input = to_tokens(std::max<std::uint64_t>({input, of_items, 1}));
  if (profile_.category() == Category::reason) turn.other = fields_.column[RequestColumn::reason][row];
  if (profile_.category() == Category::multimodal) turn.other = turn.input - to_tokens(of_items);
  rows_.row.push_back(turn);
}

// Of the row that was made last. A chain has the system prompt that fits into its first turn.
void SessionMaker::append_blocks(std::uint32_t prompt, bool begins, TurnBlocks& chain) {
  SessionRow& row = rows_.row.back();
  if (begins) chain = {.prompt = templates_->within(prompt, row.input), .chain = next_chain_++};
  row.blocks = static_cast<std::uint32_t>(rows_.blocks_of.size());
  rows_.blocks_of.push_back(chain);
}

}  // namespace tracetide
