#include "engine/session_plan.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>

#include "math/elementary.hpp"
#include "sessions/session_maker.hpp"

namespace tracetide {
namespace {

// Sessions by which the kernels of all models are found, and what each gets at least.
constexpr std::size_t sampled_sessions = std::size_t{1} << 17;
constexpr std::size_t least_sampled = 256;
constexpr std::size_t most_sampled = std::size_t{1} << 16;
constexpr std::size_t sampled_places = 64;   // clients and windows of a model
constexpr double sampled_requests = 0x1p22;  // of a model, about
constexpr double sampled_draws = 0x1p26;     // of all models, about
constexpr std::int64_t most_horizon_windows = std::int64_t{1} << 16;
constexpr double least_alone = 1e-6;
// The horizon is where this part of the requests of sessions has come, rounded up to windows.
constexpr double within_horizon = 0.9999;
constexpr double most_work = 0x1p34;   // pairs of windows
constexpr double most_draws = 0x1p26;  // of a session
constexpr std::uint64_t largest_id = std::uint64_t{1} << 62;

// Sessions of one model.
struct Sample {
  double all_starts = 0;
  double starts = 0;       // so far
  std::size_t places = 0;  // so far
  std::size_t all_places = sampled_places;
  std::uint64_t requests = 0;
  std::vector<std::int64_t> times{};  // of the starts at one place: all 0
  std::vector<std::int64_t> offsets{};
};

void check_ids(double ids) {
  if (ids > static_cast<double>(largest_id)) {
    throw std::invalid_argument(
        "conversations: more than 2^62 session ids would be needed; choose a lower rate or a shorter "
        "duration");
  }
}

// A session is made at once, in memory, and nothing is known of it before.
void check_draws(std::uint32_t model, double draws) {
  if (draws <= most_draws) return;
  throw std::invalid_argument("conversations: a session of model " + std::to_string(model) + " takes about " +
                              std::to_string(static_cast<std::uint64_t>(draws)) +
                              " draws for its requests, its calls and their tries, which is not allowed; it "
                              "must be at most 2^26: use fewer turns, sub-agents, calls or retries");
}

bool is_aligned(const JobState& job) noexcept {
  const std::int64_t length = job.profile.window_ns();
  return job.span_start_ns % length == 0 && job.span_end_ns % length == 0;
}

}  // namespace

SessionPlan::SessionPlan(const JobState& job, const Kernels& kernels, Poller& poller) {
  find_models(job);
  sample_kernels(job, kernels, poller);
  find_extent(job);
  fill(job, poller);
}

void SessionPlan::find_models(const JobState& job) {
  const Profile& profile = job.profile;
  starts_per_request.assign(profile.clients(), 0.0);
  alone.assign(profile.clients(), 1.0);
  const std::vector<double> requests = requests_per_start(profile);
  const std::vector<double> draws = draws_per_start(profile);
  const std::vector<std::uint64_t> ids = tracetide::ids_per_start(profile);
  std::map<std::uint32_t, std::size_t> place;
  model_of_.assign(profile.clients(), 0);
  for (std::uint32_t client = 0; client < profile.clients(); ++client) {
    const std::uint32_t number = profile.session_model(client);
    if (number == Profile::missing || !job.takes_part[client]) continue;
    const double share = profile.session_models()[number].share;
    if (!(share > 0)) continue;
    if (place.emplace(number, models_.size()).second) {
      check_draws(number, draws[number]);
      models_.push_back({.number = number, .requests = requests[number], .draws = draws[number]});
      models_.back().share.assign(profile.windows(), 0.0);
      ids_per_start = std::max(ids_per_start, ids[number]);
    }
    model_of_[client] = place[number];
    // Where sessions leave room, even clients of which all belong to sessions send some that stand alone.
    alone[client] = std::max(1.0 - share, least_alone);
    starts_per_request[client] = share / models_[place[number]].requests;
  }
  for (std::uint32_t window = 0; window < profile.windows(); ++window) {
    const WindowCells cells = profile.cells(window);
    for (std::size_t i = 0; i < cells.client.size(); ++i) {
      const std::uint32_t client = cells.client[i];
      if (starts_per_request[client] > 0)
        models_[model_of_[client]].share[window] += cells.rate[i] * starts_per_request[client];
    }
  }
}

void SessionPlan::find_extent(const JobState& job) {
  const auto windows = static_cast<std::int64_t>(job.windows);
  last_window_ = windows - 1;
  while (horizon_windows_ < most_horizon_windows &&
         job.whole_window(-horizon_windows_).start_ns > -horizon_ns)
    ++horizon_windows_;
  horizon_ns = std::min(session_horizon_ns, -job.whole_window(-horizon_windows_).start_ns);
  const std::int64_t length = job.profile.window_ns();
  for (Model& model : models_) {
    model.kernel.cut(horizon_ns);
    for (std::int64_t i = 0; i <= horizon_windows_; ++i)
      model.reach.push_back(model.kernel.requests_between(length, i * length, (i + 1) * length));
  }
  // Where the span cuts windows, as many of them do not reach back as far from everywhere.
  if (!is_aligned(job)) horizon_windows_ += 2;
  first_window = -horizon_windows_;
  periodic_ = job.options.rate_steps.empty() && job.options.rate_points.empty();
  // For theta at first_window, what starts a horizon before it counts.
  origin_ = periodic_ ? 0 : 2 * first_window;
  const std::int64_t kept = periodic_ ? std::int64_t{job.windows_per_pass} : windows - origin_;
  const double work =
      static_cast<double>(kept) * static_cast<double>(horizon_windows_) * static_cast<double>(models_.size());
  if (work > most_work) {
    throw std::invalid_argument(
        "conversations: " + std::to_string(kept) + " windows of " +
        std::to_string(static_cast<double>(job.profile.window_ns()) / 1e9) + " s with " +
        std::to_string(models_.size()) +
        " models of sessions are too many to plan; use a profile with longer windows, or no conversations");
  }
  theta_.assign(static_cast<std::size_t>(kept), 1.0);
  alone_factor_.assign(static_cast<std::size_t>(kept), 1.0);
  ids_before_.assign(static_cast<std::size_t>(kept) + 1, 0);
}

// Sessions of clients and windows that are spread evenly over the starts of each model, in one pass.
void SessionPlan::sample_kernels(const JobState& job, const Kernels& kernels, Poller& poller) {
  SessionMaker maker(job.profile, job.samplers, job.coupling, job.copula, 0, kernels, nullptr, poller);
  std::vector<Sample> samples(models_.size());
  const std::size_t wanted = std::clamp(sampled_sessions / models_.size(), least_sampled, most_sampled);
  for (std::size_t m = 0; m < models_.size(); ++m) {
    for (std::uint32_t i = 0; i < job.windows_per_pass; ++i)
      samples[m].all_starts += models_[m].share[job.first_window + i];
    const auto affordable = static_cast<std::size_t>(
        std::min(sampled_requests / models_[m].requests,
                 sampled_draws / static_cast<double>(models_.size()) / models_[m].draws));
    const std::size_t sessions = std::clamp<std::size_t>(affordable, 1, wanted);
    samples[m].all_places = std::min(sessions, sampled_places);
    samples[m].times.assign(sessions / samples[m].all_places, 0);
  }
  for (std::uint32_t i = 0; i < job.windows_per_pass; ++i) {
    const std::uint32_t window = job.first_window + i;
    const WindowCells cells = job.profile.cells(window);
    for (std::size_t cell = 0; cell < cells.client.size(); ++cell) {
      const std::uint32_t client = cells.client[cell];
      if (!(starts_per_request[client] > 0)) continue;
      Sample& sample = samples[model_of_[client]];
      sample.starts += cells.rate[cell] * starts_per_request[client];
      const auto due = static_cast<std::size_t>(
          sample.starts / sample.all_starts * static_cast<double>(sample.all_places) + 0.5);
      for (; sample.places < due; ++sample.places) {
        sample.requests +=
            maker.make({.client = client,
                        .window = static_cast<std::uint32_t>(sample.places),
                        .epoch = job.profile.epoch_of(window),
                        .time_ns = sample.times},
                       [&](std::size_t, const SessionRows& rows, std::span<const std::size_t>) {
                         for (const SessionRow& row : rows.row) sample.offsets.push_back(row.time_ns);
                       });
      }
    }
  }
  for (std::size_t m = 0; m < models_.size(); ++m) {
    if (samples[m].places == 0) continue;  // no client of the model is active in the job's span
    Model& model = models_[m];
    const double sessions = static_cast<double>(samples[m].requests) / model.requests;
    model.kernel = SessionKernel(std::move(samples[m].offsets), sessions);
    horizon_ns = std::max(horizon_ns, model.kernel.quantile(within_horizon));
  }
}

std::size_t SessionPlan::index(std::int64_t k) const noexcept {
  const auto kept = static_cast<std::int64_t>(theta_.size());
  if (!periodic_) return static_cast<std::size_t>(k - origin_);
  return static_cast<std::size_t>((k % kept + kept) % kept);
}

double SessionPlan::starts(const JobState& job, const Model& model, std::int64_t k) const {
  const JobWindow window = job.whole_window(k);
  return model.share[window.profile_window] * job.factor(k, window) *
         (static_cast<double>(window.length_ns) / 1e9);
}

// Requests of sessions that fall into a window, with or without cutting.
double SessionPlan::arriving(const JobState& job, std::int64_t k, const JobWindow& to, bool cut,
                             Poller& poller) const {
  const std::int64_t length = job.profile.window_ns();
  const bool aligned = is_aligned(job);
  double total = 0;
  double kept = 1;
  for (std::int64_t i = 0; i <= horizon_windows_ && (periodic_ || k - i >= origin_); ++i) {
    poller.did(models_.size());
    if (cut) kept = std::min(kept, theta(k - i));
    double here = 0;
    for (std::size_t m = 0; m < models_.size(); ++m) {
      const Model& model = models_[m];
      const double started = starts_[m][index(k - i)];
      if (!(started > 0)) continue;
      if (aligned && to.length_ns == length) {
        here += started * model.reach[static_cast<std::size_t>(i)];
      } else {
        const JobWindow from = job.whole_window(k - i);
        const std::int64_t begin = to.start_ns - from.start_ns;
        here += started * model.kernel.requests_between(from.length_ns, begin, begin + to.length_ns);
      }
    }
    total += here * kept;
  }
  return total;
}

void SessionPlan::fill(const JobState& job, Poller& poller) {
  const auto kept = static_cast<std::int64_t>(theta_.size());
  const std::int64_t end = origin_ + kept;
  starts_.assign(models_.size(), std::vector<double>(theta_.size()));
  for (std::int64_t k = origin_; k < end; ++k) {
    double sum = 0;
    poller.did(models_.size());
    for (std::size_t m = 0; m < models_.size(); ++m) sum += starts_[m][index(k)] = starts(job, models_[m], k);
    // Systematic rounding gives one more at most, and the sum in another order hardly more.
    const auto most = static_cast<std::uint64_t>(__builtin_ceil(sum)) + 2;
    ids_before_[index(k) + 1] = ids_before_[index(k)] + most * ids_per_start;
    check_ids(static_cast<double>(ids_before_[index(k) + 1]));  // before the next one could overflow
  }
  const double passes = periodic_ ? static_cast<double>(last_window_) / static_cast<double>(kept) + 2 : 1;
  check_ids(static_cast<double>(ids_before_.back()) * passes);
  const auto wanted = [&](const JobWindow& window, std::int64_t k) {
    if (!(job.kept_rate[window.profile_window] > 0)) return 0.0;
    return job.target_rate(k, window) * (static_cast<double>(window.length_ns) / 1e9);
  };
  for (std::int64_t k = periodic_ ? 0 : first_window; k < end; ++k) {
    const JobWindow window = job.whole_window(k);
    const double arrives = arriving(job, k, window, false, poller);
    const double room = wanted(window, k);
    if (arrives > room) theta_[index(k)] = room / arrives;
    // Rounding aside, sessions alone do not overfill a window whose rate does not change.
    cuts |= theta_[index(k)] < 1 - 1e-9;
  }
  std::vector<double> alone_rate(job.profile.windows(), 0.0);
  for (std::uint32_t window = 0; window < job.profile.windows(); ++window) {
    const WindowCells cells = job.profile.cells(window);
    for (std::size_t i = 0; i < cells.client.size(); ++i) {
      if (job.takes_part[cells.client[i]]) alone_rate[window] += cells.rate[i] * alone[cells.client[i]];
    }
  }
  const auto factor = [&](std::int64_t k, const JobWindow& window) {
    const double room = wanted(window, k) - arriving(job, k, window, cuts, poller);
    const double by_factor = alone_rate[window.profile_window] * job.factor(k, window) *
                             (static_cast<double>(window.length_ns) / 1e9);
    return room > 0 && by_factor > 0 ? room / by_factor : 0.0;
  };
  for (std::int64_t k = 0; k < end; ++k) alone_factor_[index(k)] = factor(k, job.whole_window(k));
  last_alone_factor_ = factor(last_window_, job.window(last_window_));
}

double SessionPlan::alone_factor(std::int64_t k) const noexcept {
  return k == last_window_ ? last_alone_factor_ : at(alone_factor_, k);
}

std::uint64_t SessionPlan::first_id(std::int64_t k) const noexcept {
  const auto kept = static_cast<std::int64_t>(theta_.size());
  // From the first window that sessions can start in, ids count from 1.
  const auto before = [&](std::int64_t window) {
    const std::int64_t pass = periodic_ ? (window - static_cast<std::int64_t>(index(window))) / kept : 0;
    return pass * static_cast<std::int64_t>(ids_before_.back()) +
           static_cast<std::int64_t>(ids_before_[index(window)]);
  };
  return static_cast<std::uint64_t>(before(k) - before(first_window)) + 1;
}

double start_uniform(const JobState& job, const JobWindow& window) noexcept {
  const StreamKey stream{job.options.seed, 0xFFFFFFFFu, window.number,
                         static_cast<std::uint8_t>(Purpose::start_count)};
  const auto words = philox4x32_10(stream.counter(0), stream.key());
  return portable::open_unit(words[0] | static_cast<std::uint64_t>(words[1]) << 32);
}

}  // namespace tracetide
