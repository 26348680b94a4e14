#include "arrivals/time_warp.hpp"

#include <algorithm>

#include "math/elementary.hpp"

namespace tracetide {
namespace {

// Below, the edges of a window's parts would fall together.
constexpr std::int64_t shortest_ns = std::int64_t{1} << 20;

}  // namespace

void TimeWarp::make(std::span<const std::int64_t> edges, std::span<const double> masses) {
  clear();
  const std::int64_t length = edges.back();
  double total = 0;
  for (const double mass : masses) total += mass;
  if (!(total > 0) || length < shortest_ns) return;
  const std::size_t parts = masses.size();
  from_.resize(parts + 1);
  to_.resize(parts);
  room_.resize(parts);
  slope_.resize(parts);
  const double scale = static_cast<double>(length) / total;
  double sum = 0;
  std::int64_t begin = 0;
  std::size_t pieces = 0;
  for (std::size_t k = 0; k < parts; ++k) {
    sum += masses[k];
    const std::int64_t end =
        k + 1 == parts ? length : std::min(length, portable::nearest_integer(sum * scale));
    const std::int64_t width = edges[k + 1] - edges[k];
    // What has no mass, or next to none, has no requests.
    if (end <= begin || width <= 0) continue;
    from_[pieces] = begin;
    to_[pieces] = edges[k];
    room_[pieces] = width - 1;
    slope_[pieces] = static_cast<double>(width) / static_cast<double>(end - begin);
    ++pieces;
    begin = end;
  }
  from_[pieces] = length;
  from_.resize(pieces + 1);
  to_.resize(pieces);
}

WarpPieces TimeWarp::pieces() const noexcept {
  return {from_.data(), to_.data(), room_.data(), slope_.data(), static_cast<std::uint32_t>(to_.size())};
}

void TimeWarp::apply(const Kernels& kernels, std::span<std::int64_t> times) const noexcept {
  if (!is_identity()) kernels.warp_times(pieces(), times.data(), times.size());
}

std::int64_t TimeWarp::in_piece(std::size_t piece, std::int64_t operational) const noexcept {
  const std::int64_t moved =
      portable::nearest_integer(static_cast<double>(operational - from_[piece]) * slope_[piece]);
  return to_[piece] + std::min(moved, room_[piece]);
}

std::int64_t TimeWarp::at(std::int64_t operational) const noexcept {
  if (is_identity() || operational >= from_.back()) return operational;
  const auto after = std::upper_bound(from_.begin(), from_.end(), operational);
  return in_piece(static_cast<std::size_t>(after - from_.begin()) - 1, operational);
}

std::int64_t TimeWarp::first_at(std::int64_t time) const noexcept {
  if (is_identity()) return time;
  // The last piece that begins before: in it, or where the next one begins.
  const auto after = std::lower_bound(to_.begin(), to_.end(), time);
  if (after == to_.begin()) return 0;
  const auto piece = static_cast<std::size_t>(after - to_.begin()) - 1;
  std::int64_t low = from_[piece];
  std::int64_t high = from_[piece + 1];
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (in_piece(piece, middle) >= time) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace tracetide
