// Laws that are gap families too.
#pragma once

#include "arrivals/gap_law.hpp"
#include "distributions/law_model.hpp"

namespace tracetide::laws {

/// Draws of a gap law, times a scale (whose logarithm is given where the law's gaps are logarithms).
class GapModel final : public BlockLaw {
 public:
  GapModel(const GapLaw& law, double scale, double mean) noexcept
      : BlockLaw(ValueType::float64), law_(law), scale_(scale), mean_(mean) {}

  [[nodiscard]] double mean() const override { return mean_; }
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
