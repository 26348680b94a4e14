#include <cmath>
#include <limits>

#include "distributions/law_model.hpp"
#include "distributions/parameters.hpp"
#include "kernels/zipf_area.hpp"
#include "math/special.hpp"

namespace tracetide::laws {
namespace {

constexpr std::int64_t largest_maximum = std::int64_t{1} << 53;
constexpr double cut = 0x1.fffffffffffffp62;  // the largest double below 2^63

template <bool near_one>
void set_areas(ZipfLaw& law) noexcept {
  using namespace portable;
  law.first = zipf_area<near_one>(law, log(1.5)) - 1.0;
  law.last = zipf_area<near_one>(law, log(law.maximum + 0.5));
  law.squeeze =
      2.0 - zipf_area_inverse<near_one>(law, zipf_area<near_one>(law, log(2.5)) - zipf_height(law, 2.0));
}

ZipfLaw make_zipf_law(double exponent, std::optional<std::int64_t> maximum) {
  if (maximum && (*maximum < 1 || *maximum > largest_maximum))
    refuse("maximum", std::to_string(*maximum), "from 1 to 2^53");
  if (!(exponent >= 0 && std::isfinite(exponent)))
    refuse("exponent", number_text(exponent), maximum ? "at least 0 and finite" : "above 1 and finite");
  if (!maximum && exponent <= 1)
    refuse("exponent", number_text(exponent), "above 1 and finite, unless maximum is given");
  ZipfLaw law;
  law.q = exponent;
  law.one_minus_q = 1.0 - exponent;
  law.near_one = std::abs(law.one_minus_q) <= 1e-4;
  law.inverse_one_minus_q = law.near_one ? 0.0 : 1.0 / law.one_minus_q;
  law.maximum = maximum ? static_cast<double>(*maximum) : cut;
  law.near_one ? set_areas<true>(law) : set_areas<false>(law);
  return law;
}

double power(double base, double exponent) noexcept { return portable::exp(exponent * portable::log(base)); }

// (x^a - 1) / a for x >= 1, also near a = 0.
double box_cox(double x, double a) noexcept {
  const double log_x = portable::log(x);
  const double t = a * log_x;
  if (t < 0) return one_minus_exp(-t) / -a;
  return t < 1e-8 ? log_x * (1 + 0.5 * t) : (portable::exp(t) - 1.0) / a;
}

// The sum of k^-s over k = 1, ..., n (n may be infinite for s > 1): the first terms one by one, the rest
// by Euler & Maclaurin.
double power_sum(double s, double n) noexcept {
  constexpr double direct = 32;
  double sum = 0;
  // NOLINTNEXTLINE(bugprone-float-loop-counter): whole numbers up to 32 are exact
  for (double k = 1; k < direct && k <= n; ++k) sum += power(k, -s);
  if (n < direct) return sum;
  const auto corrections = [s](double x) {
    if (std::isinf(x)) return 0.0;
    const double f = power(x, -s);
    const double third = s * (s + 1) * (s + 2);
    return f * (s / (12 * x) - third / (720 * x * x * x) +
                third * (s + 3) * (s + 4) / (30240 * x * x * x * x * x));
  };
  const double integral =
      power(direct, 1.0 - s) * (std::isinf(n) ? 1.0 / (s - 1.0) : box_cox(n / direct, 1.0 - s));
  const double ends = 0.5 * (power(direct, -s) + (std::isinf(n) ? 0.0 : power(n, -s)));
  return sum + integral + ends + corrections(direct) - corrections(n);
}

class ZipfModel final : public BlockLaw {
 public:
  ZipfModel(double exponent, std::optional<std::int64_t> maximum)
      : BlockLaw(ValueType::int64), law_(make_zipf_law(exponent, maximum)), bounded_(maximum.has_value()) {
    total_ = power_sum(law_.q, end());
  }

  [[nodiscard]] double mean() const override {
    if (!bounded_ && law_.q <= 2) return infinity;
    return power_sum(law_.q - 1, end()) / power_sum(law_.q, end());
  }
  [[nodiscard]] double cdf(double k) const noexcept override {
    if (k < 1) return 0;
    return k >= end() ? 1 : std::fmin(power_sum(law_.q, std::floor(k)) / total_, 1.0);
  }
  std::uint32_t block(const Origin& origin, std::uint64_t number, void* out) const noexcept override {
    return origin.kernels.draw_zipf(law_, origin.key(Purpose::sampler), number * units_per_block,
                                    static_cast<std::int64_t*>(out));
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  [[nodiscard]] double end() const noexcept { return bounded_ ? law_.maximum : infinity; }

  ZipfLaw law_;
  bool bounded_;
  double total_ = 0;
};

}  // namespace

Zipf::Zipf(double exponent, std::optional<std::int64_t> maximum)
    : Law(std::make_shared<ZipfModel>(exponent, maximum)) {}

}  // namespace tracetide::laws
