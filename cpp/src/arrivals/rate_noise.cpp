#include "arrivals/rate_noise.hpp"

#include <algorithm>
#include <cmath>

namespace tracetide {
namespace {

constexpr double least_of_node = 4;  // requests expected in a node that is halved unevenly
constexpr std::uint64_t values_per_group = 2 * blocks_per_group;

// As many as there may be with at most a quarter as many parts as requests.
std::uint32_t levels_of(const RateNoise& noise, double requests) noexcept {
  std::uint32_t levels = 0;
  while (levels < noise.levels && std::ldexp(2.0 * least_of_node, static_cast<int>(levels)) <= requests)
    ++levels;
  return levels;
}

}  // namespace

// Node k of level j has word 2^j + k.
void NoiseMaker::fill_masses(const RateNoise& noise, double requests, std::uint32_t levels) {
  const double amplitude = std::sqrt(std::min(3 * noise.rho, 1.0));
  const double extreme = std::max(0.0, (3 * noise.rho - 1) / 2);
  masses_.assign(1, 1.0);
  for (std::uint32_t level = 0; level < levels; ++level) {
    const std::size_t nodes = masses_.size();
    next_.resize(2 * nodes);
    for (std::size_t k = 0; k < nodes; ++k) {
      const std::uint64_t word = words_[nodes + k];
      const double uniform = (static_cast<double>(word & 0xFFFFFFFFu) + 0.5) * 0x1p-31 - 1.0;
      const double choice = static_cast<double>(word >> 32) * 0x1p-32;
      const double drawn = choice < extreme ? (uniform < 0 ? -1.0 : 1.0) : amplitude * uniform;
      const double s = masses_[k] * requests < least_of_node ? 0.0 : drawn;
      const double half = 0.5 * masses_[k];
      next_[2 * k] = half * (1.0 + s);
      next_[2 * k + 1] = half * (1.0 - s);
    }
    masses_.swap(next_);
  }
}

void NoiseMaker::make(const RateNoise& noise, double requests, const StreamKey& stream,
                      const WindowPart& part, const Kernels& kernels, TimeWarp& warp) {
  warp.clear();
  const std::uint32_t levels = noise.rho > 0 ? levels_of(noise, requests) : 0;
  if (levels == 0) return;
  const std::size_t leaves = std::size_t{1} << levels;
  const std::uint64_t groups = (leaves + values_per_group - 1) / values_per_group;
  words_.resize(groups * values_per_group);
  kernels.fill_u64(stream, 0, groups, words_.data());
  fill_masses(noise, requests, levels);
  const std::size_t turn = static_cast<std::size_t>(words_[0]) & (leaves - 1);
  std::rotate(masses_.begin(), masses_.begin() + static_cast<std::ptrdiff_t>(turn), masses_.end());

  // Leaf k is from edge(k) to edge(k + 1) of the window; those that the part cuts keep a part of their mass.
  const auto edge = [&](std::size_t k) {
    return part.whole_ns / static_cast<std::int64_t>(leaves) * static_cast<std::int64_t>(k) +
           part.whole_ns % static_cast<std::int64_t>(leaves) * static_cast<std::int64_t>(k) /
               static_cast<std::int64_t>(leaves);
  };
  const std::int64_t end = part.begin_ns + part.length_ns;
  edges_.assign(1, 0);
  cut_.clear();
  for (std::size_t k = 0; k < leaves; ++k) {
    const std::int64_t from = std::max(edge(k), part.begin_ns);
    const std::int64_t to = std::min(edge(k + 1), end);
    if (from >= to) continue;
    edges_.push_back(to - part.begin_ns);
    const double share = static_cast<double>(to - from) / static_cast<double>(edge(k + 1) - edge(k));
    cut_.push_back(masses_[k] * share);
  }
  warp.make(edges_, cut_);
}

}  // namespace tracetide
