#include "tracetide/job.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "arrivals/arrival_plan.hpp"
#include "engine/job_state.hpp"
#include "engine/list_weights.hpp"
#include "engine/rate_points.hpp"
#include "engine/session_plan.hpp"
#include "math/elementary.hpp"
#include "tracetide/error.hpp"

namespace tracetide {
namespace {

constexpr double ns_per_s = 1e9;
constexpr double highest_rate = 1e12;  // requests/s
constexpr std::uint64_t most_windows = std::uint64_t{1} << 26;
// A window's plan takes 16 bytes for every 256 requests.
constexpr double largest_window = 0x1p33;
constexpr double highest_factor = 1e200;
constexpr double longest_duration_s = 4e9;  // 126 years; 2^62 ns

template <class Value>
[[noreturn]] void refuse(const char* option, const Value& value, const char* allowed) {
  std::ostringstream text;
  text.precision(17);
  text << option << ": " << value << " is not allowed; it must be " << allowed;
  throw std::invalid_argument(text.str());
}

void check_rate(const char* option, double rate, bool zero_allowed) {
  if (!(rate <= highest_rate) || rate < 0 || (rate == 0 && !zero_allowed)) {
    refuse(option, rate,
           zero_allowed ? "a number of requests/s from 0 to 1e12"
                        : "a number of requests/s above 0, at most 1e12");
  }
}

struct Divided {
  std::int64_t quotient = 0;
  std::int64_t remainder = 0;  ///< never negative
};

Divided divided(std::int64_t value, std::int64_t by) noexcept {
  const std::int64_t remainder = (value % by + by) % by;
  return {(value - remainder) / by, remainder};
}

std::int64_t to_ns(double seconds) { return static_cast<std::int64_t>(std::llround(seconds * ns_per_s)); }

void check_rate_options(const JobOptions& options) {
  const int given = int{options.rate.has_value()} + int{!options.rate_steps.empty()} +
                    int{!options.rate_points.empty()} + int{options.scale.has_value()} +
                    int{options.max_rate.has_value()};
  if (given > 1) {
    std::string names;
    const auto add = [&](bool present, const char* option) {
      if (present) names.append(names.empty() ? "" : ", ").append(option);
    };
    add(options.rate.has_value(), "rate");
    add(!options.rate_steps.empty(), "rate_steps");
    add(!options.rate_points.empty(), "rate_points");
    add(options.scale.has_value(), "scale");
    add(options.max_rate.has_value(), "max_rate");
    refuse("options that set the rate", names, "at most one of them");
  }
  if (options.rate) check_rate("rate", *options.rate, false);
  if (options.max_rate) check_rate("max_rate", *options.max_rate, false);
  if (options.scale && !(*options.scale > 0 && *options.scale <= 1e9)) {
    refuse("scale", *options.scale, "a factor above 0, at most 1e9");
  }
  for (const double rate : options.rate_steps) check_rate("rate", rate, true);
  double before = -1;
  for (const RatePoint& point : options.rate_points) {
    check_rate("rate", point.rate, true);
    if (!(point.time_s >= 0 && point.time_s <= longest_duration_s) || point.time_s <= before) {
      refuse("rate point at time", point.time_s,
             "a number of seconds from 0 on, later than the point before");
    }
    before = point.time_s;
  }
}

template <class Choice>
void check_choice(const char* option, Choice value, Choice last) {
  if (value > last) refuse(option, static_cast<unsigned>(value), "one of the enumerators");
}

void check_choices(const JobOptions& options) {
  check_choice("counts", options.counts, Counts::servegen);
  check_choice("coupling", options.coupling, Coupling::copula);
  check_choice("missing", options.missing, Missing::error);
  for (const FieldCorrelation& given : options.correlations) {
    check_choice("correlation of field", given.a, Field::video_tokens);
    check_choice("correlation of field", given.b, Field::video_tokens);
  }
}

void check_payload_bytes(const std::array<double, 3>& bytes_per_token, Category category) {
  for (const double bytes : bytes_per_token) {
    if (!(bytes >= 0 && bytes <= 1e9))
      refuse("payload_bytes", bytes, "a number of bytes a token, above 0, at most 1e9");
    if (bytes > 0 && category != Category::multimodal)
      refuse("payload_bytes", bytes, "left out for a profile that is not multimodal");
  }
}

std::vector<Correlation> checked_correlations(const std::vector<FieldCorrelation>& correlations,
                                              Category category) {
  const auto fields = fields_of(category);
  std::vector<Correlation> checked;
  for (const FieldCorrelation& given : correlations) {
    const auto position = [&](Field field) {
      const auto at = std::ranges::find(fields, field);
      if (at == fields.end() || !is_drawn_once(field)) {
        std::string allowed = "one of";
        for (const Field other : fields) {
          if (is_drawn_once(other)) allowed.append(" ").append(name(other));
        }
        refuse("correlation of field", name(field), allowed.c_str());
      }
      return static_cast<std::uint8_t>(at - fields.begin());
    };
    const auto [a, b] = std::minmax({position(given.a), position(given.b)});
    if (a == b) refuse("correlation of", name(given.a), "of two different fields");
    if (!(given.spearman > -1 && given.spearman < 1))
      refuse("correlation", given.spearman, "above -1 and below 1");
    for (const Correlation& other : checked) {
      if (other.field_a == a && other.field_b == b)
        refuse("correlation of", std::string(name(fields[a])) + " and " + std::string(name(fields[b])),
               "given once");
    }
    checked.push_back({0, a, b, 0, given.spearman});
  }
  return checked;
}

}  // namespace

JobState::JobState(const Profile& job_profile, JobOptions job_options, Poller& poller)
    : profile(job_profile),
      options(std::move(job_options)),
      counts(options.counts == Counts::profile ? profile.default_counts() : options.counts),
      coupling(options.coupling),
      gap_tables(profile),
      samplers(profile) {
  check_choices(options);
  check_rate_options(options);
  check_payload_bytes(options.payload_bytes, profile.category());
  if (!(options.modulation >= 0 && options.modulation <= 1))
    refuse("modulation", options.modulation, "a factor from 0 to 1");
  if (profile.window_ns() > longest_window_ns) {
    throw ProfileError("profile: windows of " + std::to_string(profile.window_ns()) +
                       " ns are not supported; the longest is " + std::to_string(longest_window_ns) +
                       " ns (26 days)");
  }
  resolve_coupling();
  resolve_span();
  resolve_clients();
  resolve_rates();
  resolve_totals(poller);
  resolve_blocks(poller);
  resolve_sessions(poller);
  list_weights = tracetide::list_weights(*this);
}

void JobState::resolve_coupling() {
  if (coupling != Coupling::copula && !options.correlations.empty()) {
    refuse("correlations", "a list", "empty unless the coupling is a copula");
  }
  if (coupling == Coupling::profile) {
    copula = Copula::of(profile);
    coupling = profile.correlations().empty() ? Coupling::independent : Coupling::copula;
  } else if (coupling == Coupling::copula && options.correlations.empty()) {
    copula = Copula::of(profile);
  } else if (coupling == Coupling::copula) {
    copula = Copula::same_for_all(make_copula_factor(
        checked_correlations(options.correlations, profile.category()), profile.category()));
  }
}

void JobState::resolve_span() {
  const double period_s = static_cast<double>(profile.period_ns()) / ns_per_s;
  const double start = options.span_start.value_or(0.0);
  const double end = options.span_end.value_or(period_s);
  if (!(start >= 0 && start < period_s)) {
    refuse("span_start", start,
           ("a time from 0 s to before the profile's end at " + std::to_string(period_s) + " s").c_str());
  }
  if (!(end > start && end <= period_s)) {
    refuse("span_end", end,
           ("a time after the span's start, at most the profile's end at " + std::to_string(period_s) + " s")
               .c_str());
  }
  span_start_ns = to_ns(start);
  span_end_ns = std::min(to_ns(end), profile.period_ns());
  if (span_end_ns <= span_start_ns) refuse("span_end", end, "at least 1 ns after the span's start");
  const double span_s = static_cast<double>(span_end_ns - span_start_ns) / ns_per_s;
  const double duration = options.duration.value_or(span_s);
  if (!(duration > 0 && duration <= longest_duration_s)) {
    refuse("duration", duration, "a number of seconds above 0, at most 4e9");
  }
  duration_ns = to_ns(duration);
  if (duration_ns == 0) refuse("duration", duration, "at least 1 ns");

  const std::int64_t window_ns = profile.window_ns();
  first_window = static_cast<std::uint32_t>(span_start_ns / window_ns);
  windows_per_pass = static_cast<std::uint32_t>((span_end_ns - 1) / window_ns) - first_window + 1;
  const std::int64_t span_ns = span_end_ns - span_start_ns;
  const auto passes = static_cast<std::uint64_t>(duration_ns / span_ns);
  const std::int64_t rest = duration_ns % span_ns;
  windows = passes * windows_per_pass;
  if (rest != 0) {
    windows += static_cast<std::uint64_t>((span_start_ns + rest - 1) / window_ns) - first_window + 1;
  }
  if (windows > most_windows) {
    refuse("duration", duration, "at most 2^26 windows (of the profile, or of the span that it repeats)");
  }
}

JobWindow JobState::window(std::int64_t k) const noexcept {
  JobWindow window = whole_window(k);
  window.length_ns = std::min(window.length_ns, duration_ns - window.start_ns);
  return window;
}

JobWindow JobState::whole_window(std::int64_t k) const noexcept {
  const std::int64_t window_ns = profile.window_ns();
  const auto [pass, rest] = divided(k, windows_per_pass);
  const auto piece = static_cast<std::uint32_t>(rest);
  const std::int64_t pass_start = pass * (span_end_ns - span_start_ns);
  const std::uint32_t profile_window = first_window + piece;
  const std::int64_t begin = std::max(profile_window * window_ns, span_start_ns);
  const std::int64_t end = std::min((profile_window + 1) * window_ns, span_end_ns);
  const std::int64_t start = pass_start + begin - span_start_ns;
  return {start, end - begin, begin - profile_window * window_ns, profile_window,
          first_window + static_cast<std::uint32_t>(k)};
}

std::int64_t JobState::window_at(std::int64_t time_ns) const noexcept {
  const auto [pass, rest] = divided(time_ns, span_end_ns - span_start_ns);
  return pass * windows_per_pass + (rest + span_start_ns) / profile.window_ns() - first_window;
}

void JobState::resolve_clients() {
  takes_part.assign(profile.clients(), true);
  std::vector<bool> sends(profile.clients(), false);
  for (std::uint32_t at = 0; at < profile.windows(); ++at) {
    for (const std::uint32_t client : profile.cells(at).client) sends[client] = true;
  }
  std::string names;
  std::uint32_t without_fields = 0;
  for (std::uint32_t client = 0; client < profile.clients(); ++client) {
    if (profile.has_fields(client)) continue;
    takes_part[client] = false;
    ++without_fields;
    // One that never sends anyway, such as all that a filter takes out, is not missed.
    if (!sends[client]) continue;
    left_out.push_back(client);
    if (left_out.size() <= 5) names.append(names.empty() ? "" : ", ").append(profile.client_name(client));
  }
  if (without_fields == profile.clients()) {
    throw ProfileError("profile: none of its " + std::to_string(profile.clients()) +
                       " clients has distributions of its fields, so no request can be made");
  }
  if (options.missing == Missing::error && !left_out.empty()) {
    throw ProfileError("profile: " + std::to_string(left_out.size()) +
                       " clients have no distributions of their fields (" + names +
                       (left_out.size() > 5 ? ", ..." : "") + "), which missing=\"error\" refuses");
  }
  if (options.missing != Missing::error) return;
  for (std::uint32_t piece = 0; piece < std::min<std::uint64_t>(windows, windows_per_pass); ++piece) {
    const std::uint32_t at = first_window + piece;
    const std::uint32_t epoch = profile.epoch_of(at);
    for (const std::uint32_t client : profile.cells(at).client) {
      for (std::uint32_t field = 0; field < fields_of(profile.category()).size(); ++field) {
        if (profile.recorded(epoch, client, field) != Profile::missing) continue;
        throw ProfileError("profile: client " + std::string(profile.client_name(client)) +
                           " sends requests in epoch " + std::to_string(epoch) +
                           " but has no distribution of " +
                           std::string(name(fields_of(profile.category())[field])) +
                           " there, which missing=\"error\" refuses");
      }
    }
  }
}

void JobState::resolve_rates() {
  kept_rate.assign(profile.windows(), 0.0);
  total_rate.assign(profile.windows(), 0.0);
  double peak = 0;
  for (std::uint32_t piece = 0; piece < windows_per_pass; ++piece) {
    const std::uint32_t at = first_window + piece;
    const WindowCells cells = profile.cells(at);
    for (std::size_t i = 0; i < cells.client.size(); ++i) {
      total_rate[at] += cells.rate[i];
      if (takes_part[cells.client[i]]) kept_rate[at] += cells.rate[i];
    }
    peak = std::max(peak, total_rate[at]);
  }
  if (options.scale) native_factor = *options.scale;
  if (options.max_rate && peak > *options.max_rate) native_factor = *options.max_rate / peak;
}

double JobState::target_rate(std::int64_t k, const JobWindow& window) const noexcept {
  if (options.rate) return *options.rate;
  if (!options.rate_steps.empty()) {
    const auto steps = static_cast<std::int64_t>(options.rate_steps.size());
    return options.rate_steps[static_cast<std::size_t>(divided(k, steps).remainder)];
  }
  if (!options.rate_points.empty()) {
    const double start = static_cast<double>(window.start_ns) / ns_per_s;
    return mean_rate(options.rate_points, start, start + static_cast<double>(window.length_ns) / ns_per_s);
  }
  return total_rate[window.profile_window] * native_factor;
}

double JobState::factor(std::int64_t k, const JobWindow& window) const noexcept {
  const double kept = kept_rate[window.profile_window];
  return kept > 0 ? target_rate(k, window) / kept : 0.0;
}

double JobState::window_expected(std::int64_t k) const noexcept {
  const JobWindow at = window(k);
  if (!(kept_rate[at.profile_window] > 0)) return 0.0;
  return target_rate(k, at) * (static_cast<double>(at.length_ns) / ns_per_s);
}

std::uint64_t JobState::window_count(std::int64_t k) const noexcept {
  std::uint64_t total = 0;
  for_each_client(*this, k, window(k), [&](std::size_t, double, std::uint64_t gaps) {
    total += counts == Counts::servegen && gaps > 0 ? gaps - 1 : gaps;
  });
  return total;
}

void JobState::resolve_totals(Poller& poller) {
  double native = 0;
  double native_kept = 0;
  for (std::int64_t k = 0; k < static_cast<std::int64_t>(windows); ++k) {
    poller.did(1);
    const JobWindow at = window(k);
    const double seconds = static_cast<double>(at.length_ns) / ns_per_s;
    const double target = target_rate(k, at);
    native += total_rate[at.profile_window] * seconds;
    native_kept += kept_rate[at.profile_window] * seconds;
    if (kept_rate[at.profile_window] > 0) {
      if (!(factor(k, at) <= highest_factor)) {
        throw ProfileError("profile: the rates of the clients in window " +
                           std::to_string(at.profile_window) + " sum to " +
                           std::to_string(kept_rate[at.profile_window]) +
                           " requests/s, too little to be scaled to the rate that is asked for");
      }
      if (target * seconds > largest_window) {
        refuse("rate", target,
               ("at most 2^33 requests a window of " + std::to_string(seconds) +
                " s; a profile with shorter windows can take more")
                   .c_str());
      }
      expected += target * seconds;
    } else if (target > 0) {
      ++empty_windows;
    }
  }
  left_out_share = native > 0 && !left_out.empty() ? 1.0 - native_kept / native : 0.0;
  if (!(expected > 0)) {
    throw std::invalid_argument(
        "job: it has no requests: in all of its windows the rate is 0 or no client is active; "
        "choose a span in which the profile is active, or a rate above 0");
  }
}

// Whether a client that takes part has a model, and one with a share.
template <class Model>
bool JobState::uses(std::span<const Model> models,
                    std::uint32_t (Profile::*model_of)(std::uint32_t) const noexcept) const {
  for (std::uint32_t client = 0; client < profile.clients(); ++client) {
    const std::uint32_t model = (profile.*model_of)(client);
    if (model != Profile::missing && takes_part[client] && models[model].share > 0) return true;
  }
  return false;
}

void JobState::resolve_blocks(Poller& poller) {
  const bool has_prompts = uses(profile.prompt_models(), &Profile::prompt_model);
  if (options.prefixes.value_or(false) && !has_prompts)
    refuse("prefixes", "true", "left out or false for this profile, which has no model of prompts");
  if (options.block_size && *options.block_size == 0)
    refuse("block_size", 0, "a whole number of tokens from 1 to 2^32 - 1");
  const bool uses_prompts = has_prompts && options.prefixes.value_or(true);
  block_size = options.block_size.value_or(uses_prompts ? default_block_size : 0);
  if (uses_prompts)
    templates = PromptTemplates(profile, takes_part, samplers, kernels_for(), block_size, poller);
}

void JobState::resolve_sessions(Poller& poller) {
  const bool has_sessions = uses(profile.session_models(), &Profile::session_model);
  if (options.conversations.value_or(false)) {
    if (!has_sessions) {
      refuse("conversations", "true",
             "left out or false for this profile, which has no model of conversations");
    }
    if (counts == Counts::servegen)
      refuse("conversations", "true", "left out or false with counts \"servegen\", which knows none");
  }
  if (!options.conversations.value_or(true) || counts == Counts::servegen || !has_sessions) return;
  sessions = std::make_shared<const SessionPlan>(*this, kernels_for(), poller);
}

AloneShare::AloneShare(const JobState& job, std::int64_t k) noexcept {
  if (!job.sessions) return;
  share_ = job.sessions->alone.data();
  factor_ = job.sessions->alone_factor(k);
}

double rounding_uniform(const JobState& job, const JobWindow& window) noexcept {
  const StreamKey stream{job.options.seed, 0xFFFFFFFFu, window.number,
                         static_cast<std::uint8_t>(Purpose::count)};
  const auto words = philox4x32_10(stream.counter(0), stream.key());
  return portable::open_unit(words[0] | static_cast<std::uint64_t>(words[1]) << 32);
}

namespace {

// The requests of every window.
template <class Visit>
void for_each_count(const JobState& job, const Poll& poll, Visit&& visit) {
  Poller poller(poll);
  for (std::int64_t k = 0; k < static_cast<std::int64_t>(job.windows); ++k) {
    poller.did(1 + job.profile.cells(job.window(k).profile_window).client.size());
    visit(job.window_count(k));
  }
}

}  // namespace

Job::Job(Profile profile, JobOptions options, const Poll& poll) {
  Poller poller(poll);
  state_ = std::make_shared<const JobState>(profile, std::move(options), poller);
}

const Profile& Job::profile() const noexcept { return state_->profile; }
const JobOptions& Job::options() const noexcept { return state_->options; }
Counts Job::counts() const noexcept { return state_->counts; }
Coupling Job::coupling() const noexcept { return state_->coupling; }
std::int64_t Job::duration_ns() const noexcept { return state_->duration_ns; }
std::uint64_t Job::windows() const noexcept { return state_->windows; }
double Job::expected() const noexcept { return state_->expected; }
const std::vector<std::uint32_t>& Job::left_out() const noexcept { return state_->left_out; }
double Job::left_out_share() const noexcept { return state_->left_out_share; }
OptionalColumns Job::optional_columns() const noexcept {
  OptionalColumns columns{.sessions = conversations(), .hash_ids = block_size() != 0};
  for (std::size_t kind = 0; kind < 3; ++kind)
    columns.payload_bytes[kind] = state_->options.payload_bytes[kind] > 0;
  return columns;
}
std::uint32_t Job::block_size() const noexcept { return state_->block_size; }
const std::vector<std::uint64_t>& Job::prompt_blocks() const noexcept {
  return state_->templates.level_ends();
}
bool Job::conversations() const noexcept { return state_->sessions != nullptr; }
std::uint64_t Job::empty_windows() const noexcept { return state_->empty_windows; }

std::vector<std::int64_t> Job::window_starts_ns() const {
  std::vector<std::int64_t> starts;
  starts.reserve(state_->windows + 1);
  for (std::int64_t k = 0; k < static_cast<std::int64_t>(state_->windows); ++k)
    starts.push_back(state_->window(k).start_ns);
  starts.push_back(state_->duration_ns);
  return starts;
}

std::optional<std::uint64_t> Job::count(const Poll& poll) const {
  if (state_->counts == Counts::renewal || state_->sessions) return std::nullopt;
  std::uint64_t total = 0;
  for_each_count(*state_, poll, [&](std::uint64_t count) { total += count; });
  return total;
}

std::optional<std::vector<std::uint64_t>> Job::window_counts(const Poll& poll) const {
  if (state_->counts == Counts::renewal || state_->sessions) return std::nullopt;
  std::vector<std::uint64_t> counts;
  counts.reserve(state_->windows);
  for_each_count(*state_, poll, [&](std::uint64_t count) { counts.push_back(count); });
  return counts;
}

std::vector<double> Job::window_expected(const Poll& poll) const {
  Poller poller(poll);
  std::vector<double> expected(state_->windows);
  for (std::size_t k = 0; k < expected.size(); ++k) {
    poller.did(1);
    expected[k] = state_->window_expected(static_cast<std::int64_t>(k));
  }
  return expected;
}

std::string_view name(Coupling coupling) noexcept {
  switch (coupling) {
    case Coupling::profile:
      return "profile";
    case Coupling::independent:
      return "independent";
    case Coupling::comonotonic:
      return "comonotonic";
    case Coupling::copula:
      return "copula";
  }
  return "";
}

}  // namespace tracetide
