#include <algorithm>

#include "distributions/law_model.hpp"
#include "distributions/parameters.hpp"

namespace tracetide::laws {
namespace {

class ConstantModel final : public BlockLaw {
 public:
  explicit ConstantModel(double value) : BlockLaw(ValueType::float64), value_(finite("value", value)) {}

  [[nodiscard]] double mean() const override { return value_; }
  [[nodiscard]] double cdf(double x) const noexcept override { return x >= value_ ? 1 : 0; }
  std::uint32_t block(const Origin&, std::uint64_t, void* out) const noexcept override {
    std::fill_n(static_cast<double*>(out), block_size, value_);
    return block_size;
  }

 private:
  double value_;
};

}  // namespace

Constant::Constant(double value) : Law(std::make_shared<ConstantModel>(value)), value_(value) {}

double Constant::quantile(double p) const {
  (void)probability(p);
  return value_;
}

}  // namespace tracetide::laws
