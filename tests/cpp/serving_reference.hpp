// Serving iteration by iteration and token by token, as the header serving.hpp describes it: slow and plain.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "tracetide/serving.hpp"

namespace tracetide::testing {

struct ReferenceRequest {
  std::int64_t arrival = 0;  // ps, as all times
  std::uint64_t input = 0;
  std::uint64_t output = 0;
  std::uint64_t made = 0;              // tokens of the output
  std::uint64_t computed = 0;          // tokens of the prompt, or of what is computed anew
  std::uint64_t held = 0;              // tokens of the KV cache
  std::vector<std::int64_t> tokens{};  // the time of every token
  std::uint32_t preemptions = 0;

  [[nodiscard]] std::uint64_t prompt() const { return input + made; }
};

class ReferenceInstance {
 public:
  explicit ReferenceInstance(const InstanceOptions& options) : options_(options) {}

  /// Serves `requests`, ascending by arrival. All fit into an empty cache.
  void serve(std::vector<ReferenceRequest>& requests) {
    std::size_t next = 0;
    for (;;) {
      while (next < requests.size() && requests[next].arrival <= clock_)
        waiting_.push_back(&requests[next++]);
      if (waiting_.empty() && running_.empty()) {
        if (next == requests.size()) return;
        clock_ = requests[next].arrival;
        continue;
      }
      iterate();
    }
  }

  std::uint64_t peak = 0;
  std::uint64_t iterations = 0;
  std::int64_t busy = 0;
  std::uint64_t preemptions = 0;
  /// Whether an iteration ever had nothing in it while requests were there.
  bool was_lazy = false;

 private:
  [[nodiscard]] std::uint64_t held() const {
    std::uint64_t sum = 0;
    for (const ReferenceRequest* request : running_) sum += request->held;
    return sum;
  }
  // Sequences whose prompt is computed, in the order of admission.
  [[nodiscard]] std::vector<ReferenceRequest*> decoding() const {
    std::vector<ReferenceRequest*> found;
    for (ReferenceRequest* request : running_)
      if (request->computed == target_.at(request)) found.push_back(request);
    return found;
  }

  bool make_room() {
    bool had_room = true;
    while (options_.kv_tokens - held() < decoding().size()) {
      ReferenceRequest* youngest = running_.back();
      running_.pop_back();
      youngest->held = 0;
      youngest->computed = 0;
      ++youngest->preemptions;
      ++preemptions;
      waiting_.push_front(youngest);
      had_room = false;
    }
    return had_room;
  }

  void iterate() {
    std::map<ReferenceRequest*, std::uint64_t> pieces;
    std::vector<ReferenceRequest*> sequences;
    bool had_room = true;
    std::uint64_t budget = options_.max_batch_tokens;
    if (options_.chunked_prefill) {
      had_room = make_room();
      sequences = decoding();
      budget -= sequences.size();
      for (ReferenceRequest* request : running_) {
        const std::uint64_t rest = target_[request] - request->computed;
        if (rest == 0) continue;
        pieces[request] = std::min(rest, budget);
        budget -= pieces[request];
      }
    }
    if (had_room) admit(budget, pieces);
    if (!options_.chunked_prefill && pieces.empty()) {
      make_room();
      sequences = decoding();
    }
    run(pieces, sequences);
  }

  void admit(std::uint64_t budget, std::map<ReferenceRequest*, std::uint64_t>& pieces) {
    bool is_first = true;
    const std::uint64_t reserved = decoding().size();
    while (!waiting_.empty() && budget > 0 && running_.size() < options_.max_sequences) {
      ReferenceRequest* request = waiting_.front();
      if (held() + reserved + request->prompt() > options_.kv_tokens) return;
      if (!options_.chunked_prefill && !is_first && request->prompt() > budget) return;
      waiting_.pop_front();
      running_.push_back(request);
      target_[request] = request->prompt();
      request->held = request->prompt();
      const std::uint64_t piece =
          options_.chunked_prefill ? std::min(request->prompt(), budget) : request->prompt();
      pieces[request] = piece;
      budget -= std::min(piece, budget);
      is_first = false;
    }
  }

  void run(const std::map<ReferenceRequest*, std::uint64_t>& pieces,
           const std::vector<ReferenceRequest*>& sequences) {
    std::uint64_t tokens = 0;
    std::uint64_t pairs = 0;
    std::uint64_t context = 0;
    for (const auto& [request, piece] : pieces) {
      for (std::uint64_t k = 1; k <= piece; ++k) pairs += request->computed + k;
      tokens += piece;
    }
    for (ReferenceRequest* request : sequences) context += ++request->held;
    if (tokens + sequences.size() == 0) was_lazy = true;
    peak = std::max(peak, held());
    const CostModel& cost = options_.cost;
    const auto ps = [](double seconds) { return static_cast<std::uint64_t>(std::llround(seconds * 1e12)); };
    const auto duration = static_cast<std::int64_t>(
        ps(cost.base_s) + ps(cost.prefill_token_s) * tokens + ps(cost.prefill_pair_s) * pairs +
        ps(cost.decode_sequence_s) * sequences.size() + ps(cost.context_token_s) * context);
    clock_ += duration;
    busy += duration;
    ++iterations;
    for (const auto& [request, piece] : pieces) {
      request->computed += piece;
      if (request->computed == target_[request]) make_token(request);
    }
    for (ReferenceRequest* request : sequences) make_token(request);
  }

  void make_token(ReferenceRequest* request) {
    ++request->made;
    request->tokens.push_back(clock_);
    if (request->made == request->output) std::erase(running_, request);
  }

  InstanceOptions options_;
  std::int64_t clock_ = 0;
  std::deque<ReferenceRequest*> waiting_{};
  std::vector<ReferenceRequest*> running_{};             // in the order of admission
  std::map<ReferenceRequest*, std::uint64_t> target_{};  // tokens of its prompt when it was admitted
};

}  // namespace tracetide::testing
