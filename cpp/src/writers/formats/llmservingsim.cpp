#include "writers/planner.hpp"

namespace tracetide {
namespace {

void put_cells(Planner& plan) {
  const bool sessions = plan.has_all({"session_id", "turn", "delay"});
  // By this key, files with lines of sessions are told from others at their first line.
  if (sessions) plan.constant("session_id", "null");
  plan.put("input_toks", Put::number, "input_tokens")
      .put("output_toks", Put::number, "output_tokens")
      .put("arrival_time_ns", Put::nanoseconds, "timestamp");
  if (sessions) {
    // Turns stand within their session's line, which has no place for more.
    plan.tell("session_id").tell("turn").tell("delay").untell("timestamp");
  } else {
    plan.leave_out("session_id").put_rest();
  }
}

}  // namespace

constinit const TraceFormat TraceFormat::llmservingsim{
    .name = "llmservingsim", .container = TextFormat::jsonl, .has_session_lines = true, .plan = put_cells};

}  // namespace tracetide
