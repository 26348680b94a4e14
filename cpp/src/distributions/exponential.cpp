#include <cmath>

#include "distributions/gap_model.hpp"
#include "distributions/parameters.hpp"

namespace tracetide::laws {

Exponential::Exponential(double mean)
    : Law(std::make_shared<GapModel>(make_gap_law(Family::exponential, 1.0), positive("mean", mean), mean)),
      mean_(mean) {}

double Exponential::quantile(double p) const { return -mean_ * std::log1p(-probability(p)); }

}  // namespace tracetide::laws
