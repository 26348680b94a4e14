#include "writers/planner.hpp"

namespace tracetide {
namespace {

void put_cells(Planner& plan) {
  plan.put("Timestamp", Put::seconds, "timestamp")
      .put_or("Model", Put::label, "model", "GPT-4")  // the only one that vLLM keeps
      .put("Request tokens", Put::number, "input_tokens")
      .put("Response tokens", Put::number, "output_tokens")
      .derive("Total tokens", Put::both_tokens);
  if (plan.has("log_type")) {
    plan.put("Log Type", Put::label, "log_type");
  } else {
    plan.derive("Log Type", Put::log_type);
  }
  plan.put_if_given("Session ID", Put::label, "session_id")
      .put_if_given("Elapsed time", Put::real, "elapsed_time")
      .put_rest();
}

}  // namespace

constinit const TraceFormat TraceFormat::burstgpt{
    .name = "burstgpt", .container = TextFormat::csv, .plan = put_cells};

}  // namespace tracetide
