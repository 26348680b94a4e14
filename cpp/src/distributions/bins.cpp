#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "distributions/parameters.hpp"
#include "math/bits.hpp"
#include "tracetide/distributions.hpp"

namespace tracetide::laws {
namespace {

// P(X rounds to less than n) = P(X < n - 1/2): an atom at n - 1/2 rounds up.
double below(const Law& law, double n) noexcept {
  return law.cdf(std::nextafter(n - 0.5, -std::numeric_limits<double>::infinity()));
}

// Values are chosen by 32 random bits: what lies above with less than this would never come.
constexpr double never_drawn = 0x1p-36;

// 1 up to 2,047 from the minimum, then a power of two from 1/2048 to 1/1024 of the distance.
std::uint32_t bin_width(std::uint64_t distance) noexcept {
  return std::uint32_t{1} << std::max(bit_length(distance) - 11, 0);
}

}  // namespace

Bins make_bins(const Law& law, std::uint32_t minimum, std::uint32_t maximum) {
  if (minimum > maximum) {
    refuse("minimum", std::to_string(minimum), ("at most maximum, " + std::to_string(maximum)).c_str());
  }
  Bins bins;
  bins.maximum = maximum;
  double before = 0;
  double reached = 0;
  for (std::uint64_t at = minimum; at <= maximum;) {
    // The maximum has a bin of its own: all that is clamped lies there.
    const std::uint64_t end = at < maximum ? maximum : std::uint64_t{maximum} + 1;
    const std::uint64_t next = std::min(at + bin_width(at - minimum), end);
    reached = next > maximum ? 1.0 : below(law, static_cast<double>(next));
    const double probability = std::max(reached - before, 0.0);
    // What lies below the first and above the last bin of any probability is left out.
    if (probability > 0 || !bins.first.empty()) {
      bins.first.push_back(static_cast<std::uint32_t>(at));
      bins.probability.push_back(probability);
    }
    before = std::max(before, reached);
    at = next;
    if (1.0 - reached < never_drawn) {
      bins.maximum = static_cast<std::uint32_t>(next - 1);
      break;
    }
  }
  while (bins.probability.back() == 0) {
    bins.maximum = bins.first.back() - 1;
    bins.first.pop_back();
    bins.probability.pop_back();
  }
  return bins;
}

std::vector<double> make_quantiles(const Law& law, std::size_t count, double minimum, double maximum) {
  if (count < 2) refuse("count", std::to_string(count), "at least 2");
  if (!(std::isfinite(minimum) && std::isfinite(maximum) && minimum < maximum)) {
    refuse("minimum", number_text(minimum) + " with maximum " + number_text(maximum),
           "below the maximum, both finite");
  }
  constexpr int halvings = 60;
  std::vector<double> quantiles(count);
  double floor = minimum;  // the quantiles ascend
  for (std::size_t k = 0; k < count; ++k) {
    const double p = static_cast<double>(k) / static_cast<double>(count - 1);
    double low = floor;
    double high = maximum;
    const bool lowest = p > 0 ? law.cdf(low) >= p : law.cdf(low) > 0;
    for (int i = 0; i < halvings && !lowest; ++i) {
      const double middle = low + 0.5 * (high - low);
      const double reached = law.cdf(middle);
      (p > 0 ? reached >= p : reached > 0) ? high = middle : low = middle;
    }
    quantiles[k] = lowest ? low : high;
    floor = quantiles[k];
  }
  return quantiles;
}

}  // namespace tracetide::laws
