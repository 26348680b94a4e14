#include <cmath>

#include "distributions/law_model.hpp"
#include "distributions/parameters.hpp"
#include "math/elementary.hpp"
#include "math/special.hpp"

namespace tracetide::laws {
namespace {

class LogNormalModel final : public BlockLaw {
 public:
  LogNormalModel(double mu, double sigma)
      : BlockLaw(ValueType::float64), mu_(finite("mu", mu)), sigma_(not_negative("sigma", sigma)) {}

  [[nodiscard]] double mean() const override { return std::exp(mu_ + 0.5 * sigma_ * sigma_); }
  [[nodiscard]] double cdf(double x) const noexcept override {
    if (x < std::numeric_limits<double>::min()) return 0;
    if (x > std::numeric_limits<double>::max()) return 1;
    const double distance = portable::log(x) - mu_;
    if (sigma_ == 0) return distance >= 0 ? 1 : 0;
    return normal_cdf(distance / sigma_);
  }
  std::uint32_t block(const Origin& origin, std::uint64_t number, void* out) const noexcept override {
    origin.kernels.draw_log_normal(origin.key(Purpose::sampler), number * units_per_block, mu_, sigma_,
                                   static_cast<double*>(out));
    return block_size;
  }

 private:
  double mu_;
  double sigma_;
};

}  // namespace

LogNormal::LogNormal(double mu, double sigma)
    : Law(std::make_shared<LogNormalModel>(mu, sigma)), mu_(mu), sigma_(sigma) {}

LogNormal LogNormal::with_mean(double mean, double sigma) {
  const double half_variance = 0.5 * not_negative("sigma", sigma) * sigma;
  return LogNormal(portable::log(positive("mean", mean)) - half_variance, sigma);
}
LogNormal LogNormal::with_median(double median, double sigma) {
  return LogNormal(portable::log(positive("median", median)), sigma);
}
LogNormal LogNormal::with_mean_and_median(double mean, double median) {
  if (positive("mean", mean) < positive("median", median)) {
    refuse("mean", number_text(mean) + " with median " + number_text(median), "at least the median");
  }
  const double mu = portable::log(median);
  return LogNormal(mu, mean > median ? std::sqrt(2.0 * std::fmax(portable::log(mean) - mu, 0.0)) : 0.0);
}

}  // namespace tracetide::laws
