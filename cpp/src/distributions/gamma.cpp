#include "distributions/gap_model.hpp"
#include "distributions/parameters.hpp"

namespace tracetide::laws {
namespace {

// In plain numbers at every shape: a value that underflows is as good as 0 to who draws single values.
GapLaw linear_gamma(double shape) {
  GapLaw law = make_gap_law(Family::gamma, gap_shape(shape));
  law.logarithmic = false;
  return law;
}

}  // namespace

Gamma::Gamma(double shape, double scale)
    : Law(std::make_shared<GapModel>(linear_gamma(shape), positive("scale", scale), shape * scale)) {}

}  // namespace tracetide::laws
