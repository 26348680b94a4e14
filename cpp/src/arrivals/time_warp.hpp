// A monotone map of the times of a window onto themselves, linear between its edges: operational time, in
// which a client's gaps are laid out, becomes time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.hpp"

namespace tracetide {

/// The identity unless made. Reusable; its memory grows to the largest it has been.
class TimeWarp {
 public:
  /// Part k of the window, from edges[k] to edges[k + 1] ns, gets as much of operational time as its mass is
  /// of all. `edges` ascending from 0 on to the window's length, at most 2^51; masses at least 0, one less
  /// than edges. The identity if masses do not sum to anything, or the window is too short to divide.
  void make(std::span<const std::int64_t> edges, std::span<const double> masses);
  void clear() noexcept { from_.clear(); }
  [[nodiscard]] bool is_identity() const noexcept { return from_.empty(); }

  /// Operational times, ascending and before the window's end, become times.
  void apply(const Kernels& kernels, std::span<std::int64_t> times) const noexcept;
  /// Of one; the window's length becomes itself.
  [[nodiscard]] std::int64_t at(std::int64_t operational) const noexcept;
  /// The first operational time that comes at `time` or later; the length if there is none.
  [[nodiscard]] std::int64_t first_at(std::int64_t time) const noexcept;

 private:
  [[nodiscard]] WarpPieces pieces() const noexcept;
  [[nodiscard]] std::int64_t in_piece(std::size_t piece, std::int64_t operational) const noexcept;

  std::vector<std::int64_t> from_{};
  std::vector<std::int64_t> to_{};
  std::vector<std::int64_t> room_{};
  std::vector<double> slope_{};
};

}  // namespace tracetide
