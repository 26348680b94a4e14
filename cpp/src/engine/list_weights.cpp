#include "engine/list_weights.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace tracetide {
namespace {

// The clients of one epoch after the other.
class ListValues {
 public:
  explicit ListValues(const JobState& job)
      : job_(job),
        mean_(job.profile.distributions(), unknown),
        of_client_(job.profile.clients(), unknown),
        turns_before_(job.profile.session_models().size(), unknown) {}

  void begin_epoch(std::uint32_t epoch) {
    if (epoch == epoch_) return;
    epoch_ = epoch;
    std::ranges::fill(of_client_, unknown);
  }

  [[nodiscard]] double of(std::uint32_t client) {
    double& known = of_client_[client];
    if (std::isnan(known)) known = count(client);
    return known;
  }

 private:
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

  double mean(std::uint32_t distribution) {
    double& known = mean_[distribution];
    if (std::isnan(known)) known = statistics(job_.profile.distribution(distribution), {}).mean;
    return known;
  }

  double mean(std::uint32_t distribution, double missing) {
    return distribution == SessionStep::missing ? missing : mean(distribution);
  }

  double count(std::uint32_t client) {
    const auto fields = fields_of(job_.profile.category());
    const auto field = [&](Field wanted) {
      const auto at = static_cast<std::uint32_t>(std::ranges::find(fields, wanted) - fields.begin());
      return mean(job_.profile.resolved(epoch_, client, at));
    };
    double values = 0;
    double input = 0;
    if (job_.profile.category() == Category::multimodal) {
      constexpr std::array counts{Field::image_count, Field::audio_count, Field::video_count};
      constexpr std::array tokens{Field::image_tokens, Field::audio_tokens, Field::video_tokens};
      input = field(Field::text_tokens);
      for (std::size_t kind = 0; kind < counts.size(); ++kind) {
        const double items = field(counts[kind]);
        values += job_.options.payload_bytes[kind] > 0 ? 2 * items : items;
        input += items * field(tokens[kind]);
      }
    } else if (job_.block_size != 0) {
      input = field(Field::input_tokens);
    }
    if (job_.block_size != 0)
      values += with_context(client, input, field(Field::output_tokens)) / job_.block_size + 1;
    return values;
  }

  // The input of a client's requests, of which some belong to sessions and have the turns before in it.
  double with_context(std::uint32_t client, double input, double output) {
    const std::uint32_t number = job_.profile.session_model(client);
    if (!job_.sessions || number == Profile::missing) return input;
    const SessionModel& model = job_.profile.session_models()[number];
    if (model.forgets != 0) return input;
    double weights = 0;
    double added = 0;
    for (const SessionStep& step : job_.profile.session_steps().subspan(model.first_step, model.steps)) {
      weights += step.weight;
      added += step.weight * mean(step.tokens, input) * mean(step.calls, 1);
    }
    double context = mean(model.first_tokens, input) + turns_before(number) * (output + added / weights);
    if (model.context_limit != 0) context = std::min(context, static_cast<double>(model.context_limit));
    return model.share * context + (1 - model.share) * input;
  }

  // Of a request of a session, on average.
  double turns_before(std::uint32_t number) {
    double& known = turns_before_[number];
    if (!std::isnan(known)) return known;
    const Distribution turns = job_.profile.distribution(job_.profile.session_models()[number].turns);
    double requests = 0;
    double before = 0;
    for (std::size_t i = 0; i < turns.integer_values.size(); ++i) {
      const bool is_last = i + 1 == turns.integer_values.size();
      const double end = turns.kind == DistributionKind::integer_pmf ? turns.integer_values[i] + 1.0
                         : is_last                                   ? turns.maximum + 1
                                                                     : turns.integer_values[i + 1];
      const double value = 0.5 * (turns.integer_values[i] + end - 1);
      requests += turns.probabilities[i] * value;
      before += turns.probabilities[i] * value * (value - 1) / 2;
    }
    return known = before / requests;
  }

  const JobState& job_;
  std::uint32_t epoch_ = Profile::missing;
  std::vector<double> mean_;          // by distribution
  std::vector<double> of_client_;     // in the epoch
  std::vector<double> turns_before_;  // by model
};

}  // namespace

std::vector<double> list_weights(const JobState& job) {
  std::vector<double> weights;
  if (job.profile.category() != Category::multimodal && job.block_size == 0) return weights;
  weights.assign(job.profile.windows(), 1.0);
  ListValues values(job);
  for (std::uint32_t piece = 0; piece < job.windows_per_pass; ++piece) {
    const std::uint32_t window = job.first_window + piece;
    const WindowCells cells = job.profile.cells(window);
    values.begin_epoch(job.profile.epoch_of(window));
    double held = 0;
    for (std::size_t i = 0; i < cells.client.size(); ++i) {
      if (job.takes_part[cells.client[i]]) held += cells.rate[i] * values.of(cells.client[i]);
    }
    if (job.kept_rate[window] > 0)
      weights[window] = std::max(1.0, held / job.kept_rate[window] / values_of_row);
  }
  return weights;
}

}  // namespace tracetide
