#include "writers/trace_format.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "writers/planner.hpp"

namespace tracetide {
namespace {

constexpr std::array formats{
    &TraceFormat::mooncake,       &TraceFormat::mooncake_session,
    &TraceFormat::mooncake_delta, &TraceFormat::bailian,
    &TraceFormat::burstgpt,       &TraceFormat::azure,
    &TraceFormat::vidur,          &TraceFormat::blis,
    &TraceFormat::llmservingsim,  &TraceFormat::splitwise,
};

}  // namespace

const TraceFormat& parse_trace_format(std::string_view name) {
  const auto* const found =
      std::find_if(formats.begin(), formats.end(), [&](const TraceFormat* one) { return one->name == name; });
  if (found != formats.end()) return **found;
  std::string known;
  for (const TraceFormat* one : formats) known.append(known.empty() ? "" : ", ").append(one->name);
  throw std::invalid_argument("format: '" + std::string(name) + "' is not known; it must be one of " + known);
}

FormatPlan plan_format(const TraceFormat& format, std::span<const ColumnInfo> given, HashIds hash_ids) {
  Planner plan(given, hash_ids);
  for (const std::string_view needed : {"timestamp", "input_tokens", "output_tokens"}) {
    if (!plan.has(needed)) {
      throw std::invalid_argument("columns: '" + std::string(needed) + "' is missing, which " +
                                  std::string(format.name) + " needs");
    }
  }
  format.plan(plan);
  return plan.finish();
}

}  // namespace tracetide
