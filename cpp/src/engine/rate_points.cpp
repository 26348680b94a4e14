#include "engine/rate_points.hpp"

#include <algorithm>
#include <cmath>

namespace tracetide {
namespace {

constexpr double ns_per_s = 1e9;
constexpr std::size_t steps_of_window = 1024;

auto first_after(const std::vector<RatePoint>& points, double time) {
  return std::upper_bound(points.begin(), points.end(), time,
                          [](double t, const RatePoint& point) { return t < point.time_s; });
}

double rate_at(const std::vector<RatePoint>& points, double time) {
  const auto after = first_after(points, time);
  if (after == points.begin()) return points.front().rate;
  if (after == points.end()) return points.back().rate;
  const RatePoint& a = *(after - 1);
  const RatePoint& b = *after;
  return a.rate + (b.rate - a.rate) * ((time - a.time_s) / (b.time_s - a.time_s));
}

// Calls visit(time, rate) for the points in (from, to), and for `to`.
template <class Visit>
void for_each_point(const std::vector<RatePoint>& points, double from, double to, Visit&& visit) {
  for (auto point = first_after(points, from); point != points.end() && point->time_s < to; ++point)
    visit(point->time_s, point->rate);
  visit(to, rate_at(points, to));
}

}  // namespace

double mean_rate(const std::vector<RatePoint>& points, double from, double to) {
  double area = 0;
  double time = from;
  double rate = rate_at(points, from);
  for_each_point(points, from, to, [&](double next_time, double next_rate) {
    area += 0.5 * (rate + next_rate) * (next_time - time);
    time = next_time;
    rate = next_rate;
  });
  return area / (to - from);
}

void RateCurve::make(const std::vector<RatePoint>& points, std::int64_t start_ns, std::int64_t length_ns) {
  warp_.clear();
  if (points.empty()) return;
  const double start = static_cast<double>(start_ns) / ns_per_s;
  const double end = static_cast<double>(start_ns + length_ns) / ns_per_s;
  const double first_rate = rate_at(points, start);
  std::size_t slopes = 0;
  bool constant = true;
  double rate = first_rate;
  for_each_point(points, start, end, [&](double, double next_rate) {
    slopes += next_rate != rate ? 1 : 0;
    constant &= next_rate == first_rate;
    rate = next_rate;
  });
  if (constant) return;
  const auto steps = static_cast<std::int64_t>(std::max<std::size_t>(1, steps_of_window / slopes));
  edges_.assign(1, 0);
  masses_.clear();
  rate = first_rate;
  for_each_point(points, start, end, [&](double time, double next_rate) {
    const std::int64_t to =
        time >= end ? length_ns
                    : std::clamp<std::int64_t>(std::llround(time * ns_per_s) - start_ns, 0, length_ns);
    add(to, rate, next_rate, next_rate == rate ? 1 : steps);
    rate = next_rate;
  });
  warp_.make(edges_, masses_);
}

// From the last edge on.
void RateCurve::add(std::int64_t to_ns, double from_rate, double to_rate, std::int64_t steps) {
  const std::int64_t from_ns = edges_.back();
  const std::int64_t width = to_ns - from_ns;
  const std::int64_t parts = std::min(steps, std::max<std::int64_t>(width, 0));
  for (std::int64_t part = 1; part <= parts; ++part) {
    const std::int64_t edge = from_ns + width / parts * part + std::min(part, width % parts);
    const double middle = 0.5 * static_cast<double>(edge + edges_.back()) - static_cast<double>(from_ns);
    const double rate = from_rate + (to_rate - from_rate) * (middle / static_cast<double>(width));
    masses_.push_back(rate * static_cast<double>(edge - edges_.back()));
    edges_.push_back(edge);
  }
}

}  // namespace tracetide
