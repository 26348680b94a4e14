#include "writers/trace_format.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace tracetide {
namespace {

struct FormatFacts {
  TraceFormat format;
  std::string_view name;
  TextFormat container;
  std::uint32_t block_size;
};

constexpr std::array<FormatFacts, 9> facts{{
    {TraceFormat::mooncake, "mooncake", TextFormat::jsonl, 512},
    {TraceFormat::mooncake_session, "mooncake-session", TextFormat::jsonl, 512},
    {TraceFormat::bailian, "bailian", TextFormat::jsonl, 16},
    {TraceFormat::burstgpt, "burstgpt", TextFormat::csv, 0},
    {TraceFormat::azure, "azure", TextFormat::csv, 0},
    {TraceFormat::vidur, "vidur", TextFormat::csv, 0},
    {TraceFormat::blis, "blis", TextFormat::csv, 0},
    {TraceFormat::llmservingsim, "llmservingsim", TextFormat::jsonl, 0},
    {TraceFormat::splitwise, "splitwise", TextFormat::csv, 0},
}};

const FormatFacts& facts_of(TraceFormat format) noexcept { return facts[static_cast<std::size_t>(format)]; }

// Collects the cells, and which columns they tell.
class Planner {
 public:
  explicit Planner(std::span<const ColumnInfo> given) : given_(given) {}

  [[nodiscard]] bool has(std::string_view column) const { return find_column(given_, column).has_value(); }
  [[nodiscard]] bool has_number(std::string_view column) const {
    const auto found = find_column(given_, column);
    return found && given_[*found].kind == ColumnKind::u64;
  }
  [[nodiscard]] bool has_all(std::initializer_list<std::string_view> columns) const {
    return std::all_of(columns.begin(), columns.end(), [&](std::string_view c) { return has(c); });
  }

  Planner& put(std::string_view key, Put put, std::string_view column) {
    return derive(key, put, column).tell(column);
  }
  Planner& put_if_given(std::string_view key, Put how, std::string_view column) {
    return has(column) ? put(key, how, column) : *this;
  }
  Planner& put_or(std::string_view key, Put how, std::string_view column, std::string_view otherwise) {
    return has(column) ? put(key, how, column) : constant(key, otherwise);
  }
  /// A cell that does not tell the whole column.
  Planner& derive(std::string_view key, Put put, std::string_view column = {}) {
    plan_.cells.push_back({key, put, column, {}});
    return *this;
  }
  Planner& constant(std::string_view key, std::string_view text) {
    plan_.cells.push_back({key, Put::constant, {}, text});
    return *this;
  }
  /// The column can be read back from what is there already, or must not be there.
  Planner& tell(std::string_view column) {
    told_.push_back(column);
    return *this;
  }
  /// What is there tells only a part of the column.
  Planner& untell(std::string_view column) {
    std::erase(told_, column);
    return *this;
  }
  Planner& leave_out(std::string_view column) {
    left_out_.push_back(column);
    return *this;
  }

  /// All columns that are not told yet, under their own names, in native units.
  Planner& put_rest() {
    for (const ColumnInfo& column : given_) {
      if (is_in(told_, column.name) || is_in(left_out_, column.name)) continue;
      Put how = column.is_signed ? Put::signed_number : Put::number;
      if (column.kind == ColumnKind::real) how = column.name == "delay" ? Put::seconds : Put::real;
      if (column.kind == ColumnKind::list) how = Put::items;
      if (column.kind == ColumnKind::text || column.name == "session_id") how = Put::label;
      put(column.name, how, column.name);
    }
    return *this;
  }

  FormatPlan finish() {
    for (const ColumnInfo& column : given_)
      if (!is_in(told_, column.name)) plan_.left_out.push_back(column.name);
    return std::move(plan_);
  }

 private:
  static bool is_in(const std::vector<std::string_view>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  std::span<const ColumnInfo> given_;
  FormatPlan plan_{};
  std::vector<std::string_view> told_{};
  std::vector<std::string_view> left_out_{};
};

void put_hash_ids(Planner& plan, HashIds hash_ids) {
  if (hash_ids == HashIds::leave) {
    plan.leave_out("hash_ids");
  } else if (plan.has("hash_ids")) {
    plan.put("hash_ids", Put::items, "hash_ids");
  } else {
    plan.derive("hash_ids", Put::filler_ids, "input_tokens");
  }
}

// By these keys, files of Bailian's format are told from Mooncake's.
void leave_out_chats(Planner& plan) { plan.leave_out("chat_id").leave_out("parent_chat_id"); }

void plan_mooncake(Planner& plan, HashIds hash_ids) {
  plan.put("timestamp", Put::milliseconds, "timestamp")
      .put("input_length", Put::tokens, "input_tokens")
      .put("output_length", Put::tokens, "output_tokens")
      .leave_out("session_id")  // its readers would take the file for the other flavour
      .leave_out("delay")
      .leave_out("type");  // AIPerf's name for the format itself
  leave_out_chats(plan);
  put_hash_ids(plan, hash_ids);
  plan.put_rest();
}

void plan_mooncake_session(Planner& plan, HashIds hash_ids) {
  if (plan.has("session_id")) {
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
  leave_out_chats(plan);
  put_hash_ids(plan, hash_ids);
  plan.put_rest();
}

void plan_bailian(Planner& plan, HashIds hash_ids) {
  if (plan.has_number("chat_id") && plan.has_number("parent_chat_id")) {
    plan.put("chat_id", Put::signed_number, "chat_id")
        .put("parent_chat_id", Put::signed_number, "parent_chat_id");
  } else {
    plan.derive("", Put::chat);
    leave_out_chats(plan);
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
  put_hash_ids(plan, hash_ids);
  plan.put_rest();
}

void plan_burstgpt(Planner& plan) {
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

void plan_azure(Planner& plan) {
  plan.put("TIMESTAMP", Put::date, "timestamp");
  if (plan.has("image_count")) {
    plan.put("NumImages", Put::number, "image_count");
  } else if (plan.has("image_tokens")) {
    plan.derive("NumImages", Put::item_count, "image_tokens");
  }
  plan.put("ContextTokens", Put::number, "input_tokens").put("GeneratedTokens", Put::number, "output_tokens");
}

void plan_vidur(Planner& plan) {
  plan.put("arrived_at", Put::seconds, "timestamp")
      .put("num_prefill_tokens", Put::number, "input_tokens")
      .put("num_decode_tokens", Put::number, "output_tokens")
      .put("Time", Put::seconds, "timestamp")
      .put("PromptTokenCount", Put::number, "input_tokens")
      .put("CompletionTokenCount", Put::number, "output_tokens")
      .put_rest();
}

void put_sum(Planner& plan, std::string_view column) {
  if (plan.has(column)) {
    plan.derive(column, Put::item_sum, column);
  } else {
    plan.constant(column, "0");
  }
}

void plan_blis(Planner& plan) {
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

void plan_llmservingsim(Planner& plan) {
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

void plan_splitwise(Planner& plan) {
  if (plan.has("request_id")) {
    plan.put("request_id", Put::number, "request_id");
  } else {
    plan.derive("request_id", Put::row);
  }
  plan.constant("request_type", "2")  // an LLM's
      .put_or("application_id", Put::number, "client_id", "0")
      .put("arrival_timestamp", Put::seconds, "timestamp")
      .constant("batch_size", "1")
      .put("prompt_size", Put::number, "input_tokens")
      .put("token_size", Put::number, "output_tokens");
}

}  // namespace

TraceFormat parse_trace_format(std::string_view name) {
  const auto* const found =
      std::find_if(facts.begin(), facts.end(), [&](const FormatFacts& one) { return one.name == name; });
  if (found != facts.end()) return found->format;
  std::string known;
  for (const FormatFacts& one : facts) known.append(known.empty() ? "" : ", ").append(one.name);
  throw std::invalid_argument("format: '" + std::string(name) + "' is not known; it must be one of " + known);
}

std::string_view name(TraceFormat format) noexcept { return facts_of(format).name; }
TextFormat container(TraceFormat format) noexcept { return facts_of(format).container; }
std::uint32_t format_block_size(TraceFormat format) noexcept { return facts_of(format).block_size; }

FormatPlan plan_format(TraceFormat format, std::span<const ColumnInfo> given, HashIds hash_ids) {
  Planner plan(given);
  for (const std::string_view needed : {"timestamp", "input_tokens", "output_tokens"}) {
    if (!plan.has(needed)) {
      throw std::invalid_argument("columns: '" + std::string(needed) + "' is missing, which " +
                                  std::string(name(format)) + " needs");
    }
  }
  if (format == TraceFormat::mooncake_session && plan.has("session_id") && !plan.has("turn"))
    throw std::invalid_argument("columns: 'turn' is missing, which sessions of mooncake-session need");
  switch (format) {
    case TraceFormat::mooncake:
      plan_mooncake(plan, hash_ids);
      break;
    case TraceFormat::mooncake_session:
      plan_mooncake_session(plan, hash_ids);
      break;
    case TraceFormat::bailian:
      plan_bailian(plan, hash_ids);
      break;
    case TraceFormat::burstgpt:
      plan_burstgpt(plan);
      break;
    case TraceFormat::azure:
      plan_azure(plan);
      break;
    case TraceFormat::vidur:
      plan_vidur(plan);
      break;
    case TraceFormat::blis:
      plan_blis(plan);
      break;
    case TraceFormat::llmservingsim:
      plan_llmservingsim(plan);
      break;
    case TraceFormat::splitwise:
      plan_splitwise(plan);
      break;
  }
  return plan.finish();
}

}  // namespace tracetide
