// Constants of the Zipf sampler.
#pragma once

namespace tracetide {

/// Constants of algorithm ZRI with v = 1, q = exponent. h(x) = x^-q, H its integral.
struct ZipfLaw {
  double q = 2;
  double one_minus_q = -1;
  double inverse_one_minus_q = -1;
  bool near_one = false;  ///< |1 - q| <= 1e-4: powers are expanded about q = 1
  double maximum = 1;     ///< as a double, at most the largest below 2^63
  double first = 0;       ///< H(3/2) - h(1): where the uniform starts
  double last = 0;        ///< H(maximum + 1/2): where it ends
  double squeeze = 0;     ///< x >= k - squeeze is accepted without a look at H
};

}  // namespace tracetide
