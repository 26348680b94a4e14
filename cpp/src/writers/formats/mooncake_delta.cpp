#include <stdexcept>

#include "writers/planner.hpp"

namespace tracetide {
namespace {

void put_cells(Planner& plan) {
  const bool sessions = plan.has("session_id");
  if (sessions && !plan.has("turn"))
    throw std::invalid_argument("columns: 'turn' is missing, which sessions of mooncake-delta need");
  if (sessions) {
    plan.put("session_id", Put::part_label, "session_id")
        .derive("", Put::session_start, "timestamp")
        .tell("delay")
        .leave_out("timestamp");  // of later turns, which count from the end of the one before
  } else {
    plan.constant("session_id", "null").put("timestamp", Put::milliseconds, "timestamp");
  }
  plan.derive("input_length", Put::new_tokens, "input_tokens")
      .put("output_length", Put::tokens, "output_tokens")
      // By this key, a file is told from one of whole prompts.
      .put("prompt_length", Put::tokens, "input_tokens")
      .leave_out("type");  // AIPerf's name for the format itself
  plan.leave_out_chats();
  plan.put_delta_ids();
  plan.put_rest();
}

}  // namespace

constinit const TraceFormat TraceFormat::mooncake_delta{.name = "mooncake-delta",
                                                        .container = TextFormat::jsonl,
                                                        .block_size = 512,
                                                        .quotes_sessions = true,
                                                        .has_deltas = true,
                                                        .plan = put_cells};

}  // namespace tracetide
