#include "kernels/gap_law.hpp"

#include <cmath>

#include "math/elementary.hpp"
#include "math/special.hpp"

namespace tracetide {

GapLaw make_gap_law(Family family, double shape) noexcept {
  GapLaw law;
  law.family = family;
  law.shape = shape;
  law.inverse_shape = 1.0 / shape;
  if (family == Family::exponential) {
    law.shape = law.inverse_shape = 1.0;
    return law;
  }
  law.logarithmic = shape < smallest_linear_shape;
  if (family == Family::weibull) {
    law.log_mean = log_gamma(1.0 + law.inverse_shape);
    law.mean = law.logarithmic ? 0.0 : portable::exp(law.log_mean);
    return law;
  }
  law.boosted = shape < 1.0;
  law.d = (law.boosted ? shape + 1.0 : shape) - 1.0 / 3.0;
  law.c = 1.0 / std::sqrt(9.0 * law.d);
  law.mean = shape;
  law.log_mean = portable::log(shape);
  return law;
}

GapLaw make_gap_law(const GapTableView& table) noexcept {
  GapLaw law;
  law.family = Family::table;
  law.table = table;
  return law;
}

namespace {

constexpr double gap_bin_width = 4.42737824274138403219e-02;  // 2^(1/16) - 1

// Draws from one stream, one 64-bit value after the other.
class Draws {
 public:
  explicit Draws(const StreamKey& stream) noexcept : stream_(stream) {}
  double unit() noexcept {
    const auto words = philox4x32_10(stream_.counter(next_++), stream_.key());
    return portable::open_unit(words[0] | static_cast<std::uint64_t>(words[1]) << 32);
  }

 private:
  StreamKey stream_;
  std::uint64_t next_ = 0;
};

// Marsaglia & Tsang for one variate; the normal by Box & Muller.
double log_gamma_variate(double shape, Draws& draws) noexcept {
  const double a = shape < 1.0 ? shape + 1.0 : shape;
  const double d = a - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double radius = std::sqrt(-2.0 * portable::log(draws.unit()));
    const double x = radius * portable::sine_cosine_of_turn(draws.unit()).cosine;
    const double base = 1.0 + c * x;
    const double u = draws.unit();
    if (base <= 0.0) continue;
    const double v = base * base * base;
    if (portable::log(u) >= 0.5 * x * x + (d - d * v + d * portable::log(v))) continue;
    const double log_value = portable::log(d * v);
    return shape < 1.0 ? log_value + portable::log(draws.unit()) / shape : log_value;
  }
}

// In a bin, gaps have density 1/g; those that a moment falls into are uniform.
double table_recurrence(const GapTableView& table, Draws& draws) noexcept {
  const double place = draws.unit() * table.size;
  const auto cell = static_cast<std::uint32_t>(place);
  const auto fraction = static_cast<std::uint32_t>((place - cell) * 0x1p32);
  const std::uint64_t packed = table.biased[cell];
  const int shift = fraction >= static_cast<std::uint32_t>(packed >> 32) ? 16 : 0;
  const double start = table.start[static_cast<std::uint32_t>(packed >> shift) & 0xFFFFu];
  const double gap = start * (1.0 + gap_bin_width * draws.unit());
  return gap * draws.unit();
}

}  // namespace

double forward_recurrence(const GapLaw& law, const StreamKey& stream) noexcept {
  Draws draws(stream);
  if (law.family == Family::table) return table_recurrence(law.table, draws);
  const double log_uniform = portable::log(draws.unit());
  double log_biased = 0;
  switch (law.family) {
    case Family::exponential:  // density x e^-x: Gamma(2)
      log_biased = log_gamma_variate(2.0, draws);
      break;
    case Family::gamma:  // density x x^(k-1) e^-x: Gamma(k + 1)
      log_biased = log_gamma_variate(law.shape + 1.0, draws);
      break;
    case Family::weibull:  // y = x^k has density y^(1/k) e^-y: Gamma(1 + 1/k)
      log_biased = log_gamma_variate(1.0 + law.inverse_shape, draws) * law.inverse_shape;
      break;
    case Family::table:
      break;
  }
  const double log_first = log_uniform + log_biased - law.log_mean;
  return portable::exp(log_first < 700.0 ? log_first : 700.0);
}

GapStreams gap_streams(std::uint64_t seed, std::uint32_t client, std::uint32_t window,
                       Arrivals what) noexcept {
  const auto stream = [&](Purpose purpose) {
    return StreamKey{seed, client, window, static_cast<std::uint8_t>(purpose)};
  };
  if (what == Arrivals::sessions)
    return {stream(Purpose::start_gap), stream(Purpose::start_accept), stream(Purpose::start_boost)};
  return {stream(Purpose::gap), stream(Purpose::gap_accept), stream(Purpose::gap_boost)};
}

}  // namespace tracetide
