#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>

#include "base/message.hpp"
#include "serving/clock.hpp"
#include "serving/step_cost.hpp"
#include "tracetide/serving.hpp"

namespace tracetide {
namespace {

// Bin b < 256 holds the value b. From there on a value is told by its highest 9 binary digits: 256 bins for
// every power of two, as in an HDR histogram.
constexpr int digits = 8;
constexpr std::size_t bins_per_octave = std::size_t{1} << digits;
constexpr std::size_t bin_count = (64 - digits) * bins_per_octave;

std::size_t bin_of(std::int64_t value) noexcept {
  const auto bits = static_cast<std::uint64_t>(value);
  const int shift = std::max(static_cast<int>(std::bit_width(bits)) - digits - 1, 0);
  return (static_cast<std::size_t>(shift) << digits) + static_cast<std::size_t>(bits >> shift);
}

// The smallest value of a bin, and the number of values in it.
struct Bin {
  std::int64_t first;
  std::int64_t width;
};
Bin bounds_of(std::size_t bin) noexcept {
  if (bin < 2 * bins_per_octave) return {static_cast<std::int64_t>(bin), 1};
  const int shift = static_cast<int>(bin >> digits) - 1;
  const auto top = static_cast<std::int64_t>(bin - (static_cast<std::size_t>(shift) << digits));
  return {top << shift, std::int64_t{1} << shift};
}

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

LatencyHistogram::LatencyHistogram() : bins_(bin_count) {}

void LatencyHistogram::add(std::int64_t picoseconds, std::uint64_t count) {
  add_series(picoseconds, 0, 1, count);
}

void LatencyHistogram::add_series(std::int64_t first, std::int64_t step, std::uint64_t values,
                                  std::uint64_t count) {
  if (first < 0 || step < 0) {
    throw std::invalid_argument("latency: " + std::to_string(first) + " ps and " + std::to_string(step) +
                                " ps more each are not allowed; both must be from 0 on");
  }
  if (values == 0 || count == 0) return;
  std::int64_t last = 0;
  if (__builtin_mul_overflow(step, values - 1, &last) || __builtin_add_overflow(first, last, &last)) {
    throw std::invalid_argument("latency: " + std::to_string(values) + " values from " +
                                std::to_string(first) + " ps on, " + std::to_string(step) +
                                " ps more each, are not allowed; the last must be below 2^63 ps");
  }
  std::uint64_t all = 0;
  if (__builtin_mul_overflow(values, count, &all) || __builtin_add_overflow(count_, all, &all)) {
    throw std::invalid_argument("latency: " + std::to_string(count) + " of each of " +
                                std::to_string(values) + " values, after " + std::to_string(count_) +
                                ", are not allowed; a histogram holds at most 2^64 - 1");
  }
  min_ = std::min(min_, first);
  max_ = std::max(max_, last);
  count_ = all;
  const WidePicoseconds sum =
      series_sum(first, step, values) * static_cast<WidePicoseconds>(count) + sum_low_;
  sum_low_ = static_cast<std::uint64_t>(sum);
  sum_high_ += static_cast<std::uint64_t>(sum >> 64);
  const std::size_t end = bin_of(last);
  std::int64_t value = first;
  for (std::uint64_t left = values; left > 0;) {
    const std::size_t bin = bin_of(value);
    std::uint64_t inside = left;
    if (bin != end) {
      const Bin bounds = bounds_of(bin);
      inside = static_cast<std::uint64_t>((bounds.first + bounds.width - value + step - 1) / step);
    }
    bins_[bin] += inside * count;
    if (bin == end) return;
    value += static_cast<std::int64_t>(inside) * step;
    left -= inside;
  }
}

double LatencyHistogram::mean_s() const noexcept {
  const double sum = std::ldexp(static_cast<double>(sum_high_), 64) + static_cast<double>(sum_low_);
  return count_ > 0 ? sum / static_cast<double>(count_) / 1e12 : nothing;
}
double LatencyHistogram::min_s() const noexcept { return count_ > 0 ? seconds(min_) : nothing; }
double LatencyHistogram::max_s() const noexcept { return count_ > 0 ? seconds(max_) : nothing; }

double LatencyHistogram::quantile_s(double q) const {
  if (!(q >= 0 && q <= 1)) {
    throw std::invalid_argument("quantile: " + number_text(q) + " is not allowed; it must be from 0 to 1");
  }
  if (count_ == 0) return nothing;
  const double target = std::ceil(q * static_cast<double>(count_));
  const std::uint64_t rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(target), 1, count_);
  std::uint64_t seen = 0;
  std::size_t bin = bin_of(min_);
  while (seen + bins_[bin] < rank) seen += bins_[bin++];
  const Bin bounds = bounds_of(bin);
  const double middle = static_cast<double>(bounds.first) + static_cast<double>(bounds.width - 1) / 2;
  return std::clamp(middle / 1e12, seconds(min_), seconds(max_));
}

}  // namespace tracetide
