#include "writers/planner.hpp"

namespace tracetide {
namespace {

void put_cells(Planner& plan) {
  plan.put("timestamp", Put::milliseconds, "timestamp")
      .put("input_length", Put::tokens, "input_tokens")
      .put("output_length", Put::tokens, "output_tokens")
      .leave_out("session_id")  // its readers would take the file for the other flavour
      .leave_out("delay")
      .leave_out("type");  // AIPerf's name for the format itself
  plan.leave_out_chats();
  plan.put_hash_ids();
  plan.put_rest();
}

}  // namespace

constinit const TraceFormat TraceFormat::mooncake{
    .name = "mooncake", .container = TextFormat::jsonl, .block_size = 512, .plan = put_cells};

}  // namespace tracetide
