// A rate over the time of a job, linear between points and constant outside of them.
#pragma once

#include <cstdint>
#include <vector>

#include "arrivals/time_warp.hpp"
#include "tracetide/job.hpp"

namespace tracetide {

/// Mean over [from, to], in s.
[[nodiscard]] double mean_rate(const std::vector<RatePoint>& points, double from, double to);

/// Warps the times of a window so that they follow the rate in it; the identity where it is constant. Slopes
/// are followed in steps, of which a window has about a thousand.
class RateCurve {
 public:
  void make(const std::vector<RatePoint>& points, std::int64_t start_ns, std::int64_t length_ns);
  [[nodiscard]] const TimeWarp* warp() const noexcept { return warp_.is_identity() ? nullptr : &warp_; }

 private:
  void add(std::int64_t to_ns, double from_rate, double to_rate, std::int64_t steps);

  TimeWarp warp_{};
  std::vector<std::int64_t> edges_{};
  std::vector<double> masses_{};
};

}  // namespace tracetide
