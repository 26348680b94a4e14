#include "writers/planner.hpp"

namespace tracetide {
namespace {

void put_cells(Planner& plan) {
  if (plan.has("request_id")) {
    plan.put("request_id", Put::number, "request_id");
  } else {
    plan.derive("request_id", Put::row);
  }
  plan.constant("request_type", "2")    // an LLM's
      .constant("application_id", "0")  // the only one that it knows
      .put("arrival_timestamp", Put::seconds, "timestamp")
      .constant("batch_size", "1")
      .put("prompt_size", Put::number, "input_tokens")
      .put("token_size", Put::number, "output_tokens");
}

}  // namespace

constinit const TraceFormat TraceFormat::splitwise{
    .name = "splitwise", .container = TextFormat::csv, .plan = put_cells};

}  // namespace tracetide
