// How a client's rate moves inside a window: a cascade of halvings, as the masses of the window's parts.
//
// A node of mass m gives (1 + s)/2 and (1 - s)/2 of it to its halves, s uniform with variance rho; above 1/3,
// which is the most that a uniform can have, s is +1 or -1 with probability (3 rho - 1)/2. Nodes in which
// fewer than four requests are expected are halved evenly, and there are at most a quarter as many parts as
// requests, so that the cost is bounded by them. The parts are turned around the window by a uniform whole
// number of them, so that every moment has the same expected rate and no edge of the tree stays in one place.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arrivals/time_warp.hpp"
#include "kernels/kernels.hpp"

namespace tracetide {

/// A window or a part of it, in ns.
struct WindowPart {
  std::int64_t whole_ns = 0;
  std::int64_t begin_ns = 0;
  std::int64_t length_ns = 0;
};

/// Reusable memory.
class NoiseMaker {
 public:
  /// The warp of a client in a window, of which `requests` are expected in the whole. For a part, the same
  /// tree as for the whole is cut; the identity if nothing of the noise is in the part, or the window has
  /// fewer than 8 requests.
  void make(const RateNoise& noise, double requests, const StreamKey& stream, const WindowPart& part,
            const Kernels& kernels, TimeWarp& warp);

 private:
  void fill_masses(const RateNoise& noise, double requests, std::uint32_t levels);

  std::vector<std::uint64_t> words_{};
  std::vector<double> masses_{};
  std::vector<double> next_{};
  std::vector<std::int64_t> edges_{};
  std::vector<double> cut_{};
};

}  // namespace tracetide
