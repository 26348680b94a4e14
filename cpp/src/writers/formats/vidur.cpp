#include "writers/planner.hpp"

namespace tracetide {
namespace {

void put_cells(Planner& plan) {
  plan.put("arrived_at", Put::seconds, "timestamp")
      .put("num_prefill_tokens", Put::number, "input_tokens")
      .put("num_decode_tokens", Put::number, "output_tokens")
      .put("Time", Put::seconds, "timestamp")
      .put("PromptTokenCount", Put::number, "input_tokens")
      .put("CompletionTokenCount", Put::number, "output_tokens")
      .put_rest();
}

}  // namespace

constinit const TraceFormat TraceFormat::vidur{
    .name = "vidur", .container = TextFormat::csv, .plan = put_cells};

}  // namespace tracetide
