#include "profile/arrival_check.hpp"

#include <cmath>

#include "base/message.hpp"
#include "math/elementary.hpp"
#include "profile/tide.hpp"

namespace tracetide {
namespace {

constexpr double ln2 = 6.93147180559945309417e-01;
constexpr int furthest_bin = max_gap_octaves * gap_bins_per_octave;

// The mean of 2^(v/16) for v uniform in [0, 1).
double mean_in_bin() noexcept {
  constexpr double width = ln2 / gap_bins_per_octave;
  return (portable::exp(width) - 1) / width;
}

}  // namespace

double bin_start(const GapTable& table, std::size_t bin) noexcept {
  return portable::exp((table.first_bin + static_cast<double>(bin)) * (ln2 / gap_bins_per_octave));
}

double mean_gap(const GapTable& table) {
  double weights = 0;
  double sum = 0;
  for (std::size_t i = 0; i < table.probabilities.size(); ++i) {
    weights += table.probabilities[i];
    sum += table.probabilities[i] * bin_start(table, i);
  }
  return sum / weights * mean_in_bin();
}

std::string gap_table_fault(const GapTable& table) {
  const auto bins = static_cast<double>(table.probabilities.size());
  if (table.probabilities.empty()) return "no bins; allowed: at least 1";
  if (table.first_bin < -furthest_bin || table.first_bin + bins > furthest_bin) {
    return "bins " + std::to_string(table.first_bin) + " to " + number_text(table.first_bin + bins - 1) +
           "; allowed: -1024 to 1023, gaps from 2^-64 to 2^64";
  }
  double sum = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < table.probabilities.size(); ++i) {
    const double probability = table.probabilities[i];
    if (!(probability >= 0 && std::isfinite(probability)))
      return "probability " + number_text(probability) + "; allowed: at least 0 and finite";
    sum += probability;
    if (probability > 0) last = i;
  }
  if (!(sum >= tide::min_probability_sum && sum <= tide::max_probability_sum))
    return "probabilities that sum to " + number_text(sum) + "; allowed: 1e-9 to 1e9";
  const double longest = bin_start(table, last + 1) / mean_gap(table);
  if (!(longest <= max_gap_to_mean))
    return "gaps up to " + number_text(longest) + " times the mean; allowed: at most 2^40";
  return {};
}

std::string rate_noise_fault(const RateNoise& noise) {
  if (!(noise.rho >= 0 && noise.rho <= max_rate_noise))
    return "rho " + number_text(noise.rho) + "; allowed: 0 to 0.9";
  if (noise.levels > max_noise_levels) return std::to_string(noise.levels) + " levels; allowed: 0 to 10";
  if (noise.reserved != 0) return "reserved " + std::to_string(noise.reserved) + "; 0 expected";
  return {};
}

}  // namespace tracetide
