#include <cmath>

#include "distributions/gap_model.hpp"
#include "distributions/parameters.hpp"
#include "math/elementary.hpp"
#include "math/special.hpp"

namespace tracetide::laws {
namespace {

// Always in logarithms, which the inverse transform takes anyway; one exponential at the end.
GapLaw logarithmic_weibull(double shape) {
  GapLaw law = make_gap_law(Family::weibull, gap_shape(shape));
  law.logarithmic = true;
  return law;
}

double log_mean(double shape) { return log_gamma(1.0 + 1.0 / gap_shape(shape)); }

}  // namespace

Weibull::Weibull(double shape, double scale)
    : Law(std::make_shared<GapModel>(logarithmic_weibull(shape), portable::log(positive("scale", scale)),
                                     std::exp(std::log(scale) + log_mean(shape)))),
      shape_(shape),
      scale_(scale) {}

Weibull Weibull::with_mean(double shape, double mean) {
  const double log_scale = portable::log(positive("mean", mean)) - log_mean(shape);
  if (log_scale < -708 || log_scale > 709) {
    refuse("mean", number_text(mean) + " with shape " + number_text(shape),
           "such that the scale, mean / Gamma(1 + 1/shape), is from 1e-307 to 1e307");
  }
  return Weibull(shape, portable::exp(log_scale));
}

double Weibull::quantile(double p) const {
  return scale_ * std::pow(-std::log1p(-probability(p)), 1.0 / shape_);
}

}  // namespace tracetide::laws
