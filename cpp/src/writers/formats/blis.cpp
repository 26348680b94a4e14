#include "writers/planner.hpp"

namespace tracetide {
namespace {

void put_sum(Planner& plan, std::string_view column) {
  if (plan.has(column)) {
    plan.derive(column, Put::item_sum, column);
  } else {
    plan.constant(column, "0");
  }
}

void put_cells(Planner& plan) {
  plan.derive("request_id", Put::row);
  if (plan.has("client")) {
    plan.put("client_id", Put::label, "client");
  } else {
    plan.put_or("client_id", Put::label, "client_id", "");
  }
  plan.constant("tenant_id", "")
      .constant("slo_class", "")
      .put_or("session_id", Put::label, "session_id", "")
      .derive("round_index", Put::round)
      .constant("prefix_group", "")
      .constant("prefix_length", "0")
      .constant("streaming", "true")
      .put("input_tokens", Put::number, "input_tokens")
      .put("output_tokens", Put::number, "output_tokens");
  if (plan.has("text_tokens")) {
    plan.put("text_tokens", Put::number, "text_tokens");
  } else {
    plan.put("text_tokens", Put::number, "input_tokens");
  }
  put_sum(plan, "image_tokens");
  put_sum(plan, "audio_tokens");
  put_sum(plan, "video_tokens");
  plan.put_or("reason_ratio", Put::reason_ratio, "reason_tokens", "0")
      .constant("model", "")  // it drops requests for another model than the one that it serves
      .constant("deadline_us", "0")
      .constant("server_input_tokens", "0")
      .put("arrival_time_us", Put::microseconds, "timestamp")
      .put("send_time_us", Put::microseconds, "timestamp")
      .constant("first_chunk_time_us", "0")
      .constant("last_chunk_time_us", "0")
      .constant("num_chunks", "0")
      .constant("status", "ok")
      .constant("error_message", "")
      .constant("finish_reason", "");
  if (plan.has("session_id")) {
    plan.tell("turn");
    if (plan.has("delay")) plan.put("think_time_us", Put::think_time, "delay");
  }
}

}  // namespace

constinit const TraceFormat TraceFormat::blis{
    .name = "blis", .container = TextFormat::csv, .plan = put_cells};

}  // namespace tracetide
