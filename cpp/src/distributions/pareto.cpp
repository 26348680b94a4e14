#include <cmath>

#include "distributions/law_model.hpp"
#include "distributions/parameters.hpp"
#include "math/elementary.hpp"
#include "math/special.hpp"

namespace tracetide::laws {
namespace {

class ParetoModel final : public BlockLaw {
 public:
  ParetoModel(double alpha, double minimum)
      : BlockLaw(ValueType::float64),
        alpha_(positive("alpha", alpha)),
        minimum_(positive("minimum", minimum)) {}

  [[nodiscard]] double mean() const override {
    return alpha_ > 1 ? minimum_ * (alpha_ / (alpha_ - 1)) : std::numeric_limits<double>::infinity();
  }
  [[nodiscard]] double cdf(double x) const noexcept override {
    if (!(x > minimum_)) return 0;
    if (x > std::numeric_limits<double>::max()) return 1;
    const double above = (x - minimum_) / minimum_;
    const double log_ratio = above < 0.01 ? log_one_plus(above) : portable::log(x) - portable::log(minimum_);
    return one_minus_exp(alpha_ * log_ratio);
  }
  std::uint32_t block(const Origin& origin, std::uint64_t number, void* out) const noexcept override {
    origin.kernels.draw_pareto(origin.key(Purpose::sampler), number * units_per_block, 1.0 / alpha_, minimum_,
                               static_cast<double*>(out));
    return block_size;
  }

 private:
  double alpha_;
  double minimum_;
};

}  // namespace

Pareto::Pareto(double alpha, double minimum)
    : Law(std::make_shared<ParetoModel>(alpha, minimum)), alpha_(alpha), minimum_(minimum) {}

double Pareto::quantile(double p) const { return minimum_ * std::exp(-std::log1p(-probability(p)) / alpha_); }

}  // namespace tracetide::laws
