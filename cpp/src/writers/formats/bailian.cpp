#include "writers/planner.hpp"

namespace tracetide {
namespace {

void put_cells(Planner& plan) {
  if (plan.has_number("chat_id") && plan.has_number("parent_chat_id")) {
    plan.put("chat_id", Put::signed_number, "chat_id")
        .put("parent_chat_id", Put::signed_number, "parent_chat_id");
  } else {
    plan.derive("", Put::chat);
    plan.leave_out_chats();
  }
  plan.put("timestamp", Put::seconds, "timestamp")
      .put("input_length", Put::tokens, "input_tokens")
      .put("output_length", Put::tokens, "output_tokens");
  if (plan.has("type")) {
    plan.put("type", Put::label, "type");
  } else {
    plan.derive("type", Put::chat_type);
  }
  plan.put_or("turn", Put::number, "turn", "1")
      .tell("session_id")
      .leave_out("delay");  // which AIPerf would take for milliseconds
  plan.put_hash_ids();
  plan.put_rest();
}

}  // namespace

constinit const TraceFormat TraceFormat::bailian{
    .name = "bailian", .container = TextFormat::jsonl, .block_size = 16, .plan = put_cells};

}  // namespace tracetide
