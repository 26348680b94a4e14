#include <stdexcept>

#include "writers/planner.hpp"

namespace tracetide {
namespace {

void put_cells(Planner& plan) {
  if (plan.has("session_id")) {
    if (!plan.has("turn"))
      throw std::invalid_argument("columns: 'turn' is missing, which sessions of mooncake-session need");
    plan.put("session_id", Put::label, "session_id")
        .derive("", Put::session_start, "timestamp")
        .tell("delay")
        .leave_out("timestamp");  // of later turns, which count from the end of the one before
  } else {
    plan.constant("session_id", "null").put("timestamp", Put::milliseconds, "timestamp");
  }
  plan.put("input_length", Put::tokens, "input_tokens")
      .put("output_length", Put::tokens, "output_tokens")
      .leave_out("type");  // AIPerf's name for the format itself
  plan.leave_out_chats();
  plan.put_hash_ids();
  plan.put_rest();
}

}  // namespace

constinit const TraceFormat TraceFormat::mooncake_session{.name = "mooncake-session",
                                                          .container = TextFormat::jsonl,
                                                          .block_size = 512,
                                                          .quotes_sessions = true,
                                                          .plan = put_cells};

}  // namespace tracetide
