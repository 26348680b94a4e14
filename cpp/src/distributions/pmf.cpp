#include "distributions/pmf.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "distributions/parameters.hpp"

namespace tracetide::laws {

Pmf::Table::Table(std::span<const double> unsorted, std::span<const double> weights) {
  if (unsorted.empty()) refuse("values", "an empty list", "at least one value");
  if (unsorted.size() != weights.size()) {
    refuse("probabilities", "a length of " + std::to_string(weights.size()),
           ("that of values, " + std::to_string(unsorted.size())).c_str());
  }
  if (unsorted.size() > 0x7FFFFFFFu)
    refuse("values", std::to_string(unsorted.size()) + " values", "fewer than 2^31");
  double sum = 0;
  for (const double weight : weights) sum += not_negative("probabilities", weight);
  if (!(sum >= 1e-9 && sum <= 1e9))
    refuse("probabilities", "a sum of " + number_text(sum), "from 1e-9 to 1e9");
  for (const double value : unsorted) (void)finite("values", value);

  std::vector<std::uint32_t> order(unsorted.size());
  std::iota(order.begin(), order.end(), 0u);
  if (!std::ranges::is_sorted(unsorted))
    std::ranges::sort(order, {}, [&](std::uint32_t i) { return unsorted[i]; });
  values.reserve(order.size());
  probabilities.reserve(order.size());
  cumulative.reserve(order.size());
  // A sum that only rounding keeps from 1 is left alone, so that a table made of another's is the same.
  const double divisor = std::abs(sum - 1) <= 1e-9 ? 1.0 : sum;
  double running = 0;
  for (const std::uint32_t i : order) {
    if (!values.empty() && values.back() == unsorted[i])
      refuse("values", number_text(unsorted[i]) + " twice", "different from each other");
    running += weights[i];
    values.push_back(unsorted[i]);
    probabilities.push_back(weights[i] / divisor);
    cumulative.push_back(running);
    mean += unsorted[i] * probabilities.back();
  }
  for (double& c : cumulative) c /= running;
}

Pmf::Table::Drawn Pmf::Table::drawn(ValueType type) const {
  Drawn found;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (probabilities[i] == 0) continue;
    found.numbers.push_back(static_cast<std::uint32_t>(
        type == ValueType::uint32 ? values[i] : static_cast<double>(found.numbers.size())));
    found.probabilities.push_back(probabilities[i]);
    if (type == ValueType::float64) found.reals.push_back(values[i]);
  }
  return found;
}

std::shared_ptr<const Pmf::Table> make_pmf(std::span<const std::uint32_t> values,
                                           std::span<const double> probabilities) {
  const std::vector<double> reals(values.begin(), values.end());
  return std::make_shared<const Pmf::Table>(reals, probabilities);
}
std::shared_ptr<const Pmf::Table> make_pmf(std::span<const double> values,
                                           std::span<const double> probabilities) {
  return std::make_shared<const Pmf::Table>(values, probabilities);
}

Pmf::Pmf(std::shared_ptr<const LawModel> model, std::shared_ptr<const Table> table) noexcept
    : Law(std::move(model)), table_(std::move(table)) {}

std::span<const double> Pmf::values() const noexcept { return table_->values; }
std::span<const double> Pmf::probabilities() const noexcept { return table_->probabilities; }

double Pmf::Table::cdf(double x) const noexcept {
  const auto above = std::ranges::upper_bound(values, x) - values.begin();
  return above == 0 ? 0.0 : cumulative[static_cast<std::size_t>(above - 1)];
}

double Pmf::quantile(double p) const {
  const auto& cumulative = table_->cumulative;
  // For p = 0 the first value of a probability above 0.
  const auto at = probability(p) > 0 ? std::ranges::lower_bound(cumulative, p)
                                     : std::ranges::upper_bound(cumulative, 0.0);
  return table_->values[static_cast<std::size_t>(at - cumulative.begin())];
}

}  // namespace tracetide::laws
