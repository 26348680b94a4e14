#include <cmath>

#include "distributions/law_model.hpp"
#include "distributions/parameters.hpp"

namespace tracetide::laws {
namespace {

class UniformModel final : public BlockLaw {
 public:
  UniformModel(double low, double high)
      : BlockLaw(ValueType::float64), low_(finite("low", low)), width_(finite("high", high) - low) {
    if (low >= high) refuse("high", number_text(high), ("above low, " + number_text(low)).c_str());
    if (!std::isfinite(width_)) refuse("high", number_text(high), "such that high - low is finite");
  }

  [[nodiscard]] double mean() const override { return low_ + 0.5 * width_; }
  [[nodiscard]] double cdf(double x) const noexcept override {
    return x <= low_ ? 0 : x >= low_ + width_ ? 1 : (x - low_) / width_;
  }
  std::uint32_t block(const Origin& origin, std::uint64_t number, void* out) const noexcept override {
    origin.kernels.draw_uniform(origin.key(Purpose::sampler), number * units_per_block, low_, width_,
                                static_cast<double*>(out));
    return block_size;
  }

 private:
  double low_;
  double width_;
};

}  // namespace

Uniform::Uniform(double low, double high)
    : Law(std::make_shared<UniformModel>(low, high)), low_(low), high_(high) {}

double Uniform::quantile(double p) const { return low_ + (high_ - low_) * probability(p); }

}  // namespace tracetide::laws
