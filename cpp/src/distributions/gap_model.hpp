// Laws that are gap families too.
#pragma once

#include <limits>

#include "distributions/law_model.hpp"
#include "kernels/gap_law.hpp"
#include "math/elementary.hpp"
#include "math/special.hpp"

namespace tracetide::laws {

/// Draws of a gap law, times a scale (whose logarithm is given where the law's gaps are logarithms).
class GapModel final : public BlockLaw {
 public:
  GapModel(const GapLaw& law, double scale, double mean) noexcept
      : BlockLaw(ValueType::float64), law_(law), scale_(scale), mean_(mean) {}

  [[nodiscard]] double mean() const override { return mean_; }
  [[nodiscard]] double cdf(double x) const noexcept override {
    if (x < std::numeric_limits<double>::min()) return 0;
    if (x > std::numeric_limits<double>::max()) return 1;
    switch (law_.family) {
      case Family::exponential:
        return one_minus_exp(x / scale_);
      case Family::gamma:
        return gamma_cdf(law_.shape, x / scale_);
      case Family::weibull:
      case Family::table:  // not a law of its own
        break;
    }
    const double power = law_.shape * (portable::log(x) - scale_);
    return power < 700 ? one_minus_exp(portable::exp(power)) : 1.0;
  }
  std::uint32_t block(const Origin& origin, std::uint64_t number, void* out) const noexcept override {
    const GapStreams streams{origin.key(Purpose::sampler), origin.key(Purpose::sampler_accept),
                             origin.key(Purpose::sampler_boost)};
    return origin.kernels.draw_scaled_gaps(law_, streams, number * units_per_block, scale_,
                                           static_cast<double*>(out));
  }

 private:
  GapLaw law_;
  double scale_;
  double mean_;
};

}  // namespace tracetide::laws
