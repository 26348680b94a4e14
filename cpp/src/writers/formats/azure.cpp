#include "writers/planner.hpp"

namespace tracetide {
namespace {

void put_cells(Planner& plan) {
  plan.put("TIMESTAMP", Put::date, "timestamp")
      .put("ContextTokens", Put::number, "input_tokens")
      .put("GeneratedTokens", Put::number, "output_tokens");
  // Last, as inference-perf reads the others by position.
  if (plan.has("image_count")) {
    plan.put("NumImages", Put::number, "image_count");
  } else if (plan.has("image_tokens")) {
    plan.derive("NumImages", Put::item_count, "image_tokens");
  }
}

}  // namespace

constinit const TraceFormat TraceFormat::azure{
    .name = "azure", .container = TextFormat::csv, .plan = put_cells};

}  // namespace tracetide
