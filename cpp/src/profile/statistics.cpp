// Mean, extremes and quantiles of stored distributions.
#include <algorithm>
#include <numeric>

#include "tracetide/profile.hpp"

namespace tracetide {
namespace {

/// Values with probabilities, a value being the numbers from first to last.
struct Value {
  double first;
  double last;
};

Value value_of(const Distribution& distribution, std::size_t i) {
  if (distribution.kind == DistributionKind::real_pmf)
    return {distribution.real_values[i], distribution.real_values[i]};
  const double first = distribution.integer_values[i];
  if (distribution.kind == DistributionKind::integer_pmf) return {first, first};
  const bool is_last = i + 1 == distribution.integer_values.size();
  return {first, is_last ? distribution.maximum : distribution.integer_values[i + 1] - 1.0};
}

DistributionStatistics of_table(const Distribution& distribution, std::span<const double> probabilities) {
  const std::span<const double> weights = distribution.probabilities;
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  DistributionStatistics result;
  result.minimum = distribution.minimum;
  result.maximum = distribution.maximum;
  std::vector<double> cumulative(weights.size());
  double running = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Value value = value_of(distribution, i);
    running += weights[i] / total;
    cumulative[i] = running;
    result.mean += 0.5 * (value.first + value.last) * (weights[i] / total);
  }
  for (const double p : probabilities) {
    // Rounding must not make the quantile at a step's end the next step.
    const double reached = p * running * (1 - 0x1p-50);
    std::size_t at =
        static_cast<std::size_t>(std::ranges::lower_bound(cumulative, reached) - cumulative.begin());
    while (at + 1 < weights.size() && weights[at] == 0) ++at;
    const Value value = value_of(distribution, at);
    const double before = cumulative[at] - weights[at] / total;
    const double share = weights[at] > 0 ? (reached - before) / (weights[at] / total) : 1.0;
    const double numbers = value.last - value.first + 1;
    const double place = std::clamp(__builtin_ceil(share * numbers) - 1, 0.0, numbers - 1);
    result.quantiles.push_back(value.first + place);
  }
  return result;
}

DistributionStatistics of_quantiles(const Distribution& distribution, std::span<const double> probabilities) {
  const std::span<const double> knots = distribution.real_values;
  const auto steps = static_cast<double>(knots.size() - 1);
  const auto clamped = [&](double value) {
    return std::clamp(value, distribution.minimum, distribution.maximum);
  };
  DistributionStatistics result;
  result.minimum = clamped(knots.front());
  result.maximum = clamped(knots.back());
  for (std::size_t k = 0; k + 1 < knots.size(); ++k)
    result.mean += 0.5 * (clamped(knots[k]) + clamped(knots[k + 1])) / steps;
  for (const double p : probabilities) {
    const double at = std::clamp(p, 0.0, 1.0) * steps;
    const std::size_t k = std::min(static_cast<std::size_t>(at), knots.size() - 2);
    result.quantiles.push_back(clamped(knots[k] + (knots[k + 1] - knots[k]) * (at - static_cast<double>(k))));
  }
  return result;
}

}  // namespace

DistributionStatistics statistics(const Distribution& distribution, std::span<const double> probabilities) {
  return distribution.kind == DistributionKind::quantiles ? of_quantiles(distribution, probabilities)
                                                          : of_table(distribution, probabilities);
}

}  // namespace tracetide
