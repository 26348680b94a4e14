#include "serving/instance.hpp"

#include <algorithm>

namespace tracetide {
namespace {

// std::push_heap keeps the greatest first. Slots make the order of equal ends a fixed one.
constexpr auto ends_later = [](const auto& one, const auto& other) {
  return one.end != other.end ? one.end > other.end : one.slot > other.slot;
};

}  // namespace

void Instance::enqueue(Slot slot, Picoseconds now) {
  if (!step_ && unfinished() == 0) clock_ = now;
  // The iterations of decoding go on unless this one could be admitted. Where others wait already, only the
  // end of a sequence makes room.
  if (step_ && step_->iterations > 1 && waiting_.empty()) {
    step_->iterations = terms_to_reach(now - clock_, step_->first, step_->growth, step_->iterations);
    step_->end =
        clock_ + static_cast<Picoseconds>(series_sum(step_->first, step_->growth, step_->iterations));
  }
  waiting_.push_back(slot);
}

Picoseconds Instance::wake() const noexcept {
  if (step_) return step_->end;
  return unfinished() > 0 ? clock_ + 1 : never;
}

void Instance::step() {
  if (step_) {
    finish_step();
  } else {
    plan();
  }
}

StepWork Instance::decoding_work() const noexcept {
  const std::uint64_t sequences = decoding_.size();
  return {.sequences = sequences, .context_tokens = kv_decoding_ + sequences};
}

void Instance::plan() {
  StepWork work{};
  bool has_room = true;
  if (options_->chunked_prefill) {
    has_room = make_room();
    work = decoding_work();
    std::uint64_t budget = options_->max_batch_tokens - work.sequences;
    if (prefilling_ && budget > 0) {
      const Prefilling part = *prefilling_;
      prefilling_.reset();
      budget -= prefill(part.slot, part.done, budget, work);
    }
    if (has_room) admit(budget, work);
  } else {
    admit(options_->max_batch_tokens, work);
    if (work.prefill_tokens == 0) has_room = make_room();
  }
  if (work.prefill_tokens > 0) return plan_with_prompts(work);
  // After a preemption there may be room for another request already with the next iteration.
  plan_decoding(has_room ? (options_->kv_tokens - kv_used_) / decoding_.size() : 1);
}

void Instance::plan_with_prompts(const StepWork& work) {
  const WidePicoseconds duration = cost_->of(work);
  const Picoseconds end = later(clock_, duration);
  step_ = Step{.end = end,
               .iterations = 1,
               .decodes = work.sequences > 0,
               .first = end - clock_,
               .new_tokens = work.sequences};
}

void Instance::plan_decoding(std::uint64_t most) {
  const StepWork work = decoding_work();
  const std::uint64_t iterations = std::min(most, decoding_.front().end - decoded_);
  const WidePicoseconds first = cost_->of(work);
  const WidePicoseconds growth = cost_->growth(work.sequences);
  // An iteration takes at least as long as it takes longer than the one before: where the end is a time, so
  // are both.
  const Picoseconds end = later(clock_, series_sum(first, growth, iterations));
  step_ = Step{.end = end,
               .iterations = iterations,
               .decodes = true,
               .first = static_cast<Picoseconds>(first),
               .growth = static_cast<Picoseconds>(growth),
               .new_tokens = work.sequences};
}

/// Preempts until every decoding sequence has room for a token; whether nothing was preempted.
bool Instance::make_room() {
  bool had_room = true;
  while (options_->kv_tokens - kv_used_ < decoding_.size()) {
    preempt_youngest();
    had_room = false;
  }
  return had_room;
}

void Instance::preempt_youngest() {
  recorder_->preempted();
  if (prefilling_) {  // Prompts are computed in the order of admission, after which sequences decode.
    const Slot slot = prefilling_->slot;
    prefilling_.reset();
    return return_to_queue(slot, (*requests_)[slot].prompt());
  }
  const auto youngest = std::ranges::max_element(
      decoding_, {}, [&](const Decoding& sequence) { return (*requests_)[sequence.slot].admission; });
  const Slot slot = youngest->slot;
  LiveRequest& request = (*requests_)[slot];
  request.made = request.output - static_cast<std::uint32_t>(youngest->end - decoded_);
  request.last_token = last_tokens_.back().time;
  if (--last_tokens_.back().count == 0) last_tokens_.pop_back();
  *youngest = decoding_.back();
  decoding_.pop_back();
  std::ranges::make_heap(decoding_, ends_later);
  const std::uint64_t held = request.prompt() - 1;  // without the last token, which was not an input yet
  kv_decoding_ -= held;
  return_to_queue(slot, held);
}

void Instance::return_to_queue(Slot slot, std::uint64_t held) {
  ++(*requests_)[slot].preemptions;
  kv_used_ -= held;
  waiting_.push_front(slot);
}

bool Instance::has_room_for_next(std::uint64_t budget, bool first) const noexcept {
  if (waiting_.empty() || budget == 0) return false;
  const std::uint64_t running = decoding_.size() + completing_.size() + (prefilling_ ? 1 : 0);
  if (running >= options_->max_sequences) return false;
  const std::uint64_t prompt = (*requests_)[waiting_.front()].prompt();
  if (prompt + decoding_.size() > options_->kv_tokens - kv_used_) return false;
  return options_->chunked_prefill || first || prompt <= budget;
}

/// Takes requests from the queue into the step; the prompt tokens.
std::uint64_t Instance::admit(std::uint64_t budget, StepWork& work) {
  std::uint64_t taken = 0;
  while (has_room_for_next(budget - std::min(taken, budget), taken == 0)) {
    const Slot slot = waiting_.front();
    waiting_.pop_front();
    LiveRequest& request = (*requests_)[slot];
    request.admission = ++admissions_;
    kv_used_ += request.prompt();
    recorder_->kv_tokens(kv_used_);
    if (request.preemptions > 0) recorder_->recomputed(request.prompt());
    taken += prefill(slot, 0, options_->chunked_prefill ? budget - taken : request.prompt(), work);
  }
  return taken;
}

/// Puts a prompt, or as much as fits, into the step; the tokens.
std::uint64_t Instance::prefill(Slot slot, std::uint64_t done, std::uint64_t budget, StepWork& work) {
  const std::uint64_t rest = (*requests_)[slot].prompt() - done;
  const std::uint64_t tokens = std::min(rest, budget);
  work.prefill_tokens += tokens;
  work.prefill_pairs += StepCost::pairs(done, tokens);
  if (tokens == rest) {
    completing_.push_back(slot);
  } else {
    prefilling_ = Prefilling{slot, done + tokens};
  }
  return tokens;
}

void Instance::finish_step() {
  recorder_->iterations(step_->iterations, step_->end - clock_);
  if (step_->decodes) {
    record_gaps();
    const std::uint64_t made = step_->iterations * step_->new_tokens;
    decoded_ += step_->iterations;
    kv_used_ += made;
    kv_decoding_ += made;
    recorder_->kv_tokens(kv_used_);
  }
  clock_ = step_->end;
  if (step_->decodes) end_decoding();
  complete_prompts();
  step_.reset();
}

void Instance::record_gaps() {
  const Picoseconds first_end = clock_ + step_->first;
  for (const LastTokens& group : last_tokens_) recorder_->gap(first_end - group.time, group.count);
  last_tokens_.clear();
  recorder_->gaps(step_->first + step_->growth, step_->growth, step_->iterations - 1, step_->new_tokens);
}

void Instance::end_decoding() {
  while (!decoding_.empty() && decoding_.front().end == decoded_) {
    std::ranges::pop_heap(decoding_, ends_later);
    const Slot slot = decoding_.back().slot;
    decoding_.pop_back();
    const LiveRequest& request = (*requests_)[slot];
    const std::uint64_t held = std::uint64_t{request.input} + request.output - 1;
    kv_used_ -= held;
    kv_decoding_ -= held;
    recorder_->ended(request, number_, clock_);
    requests_->remove(slot);
  }
  if (!decoding_.empty()) last_tokens_.push_back({clock_, decoding_.size()});
}

void Instance::complete_prompts() {
  std::uint64_t go_on = 0;
  for (const Slot slot : completing_) {
    LiveRequest& request = (*requests_)[slot];
    const std::uint64_t held = request.prompt();
    if (request.made == 0) {
      request.first_token = clock_;
      recorder_->first_token(clock_ - request.arrival);
    } else {
      recorder_->gap(clock_ - request.last_token, 1);
    }
    ++request.made;
    if (request.made == request.output) {
      kv_used_ -= held;
      recorder_->ended(request, number_, clock_);
      requests_->remove(slot);
      continue;
    }
    kv_decoding_ += held;
    decoding_.push_back({decoded_ + request.output - request.made, slot});
    std::ranges::push_heap(decoding_, ends_later);
    ++go_on;
  }
  completing_.clear();
  if (go_on == 0) return;
  if (!last_tokens_.empty() && last_tokens_.back().time == clock_) {
    last_tokens_.back().count += go_on;
  } else {
    last_tokens_.push_back({clock_, go_on});
  }
}

}  // namespace tracetide
