// Normal variates and their ranks. Included once per instruction-set level.
#pragma once

#include <cstdint>

#include "kernels/gap_kernels.hpp"
#include "kernels/normal_table.hpp"

namespace tracetide::TRACETIDE_KERNEL_LEVEL {

/// Whole units of gaps_per_unit normals.
inline void draw_normals(const StreamKey& stream, std::uint64_t first_unit, std::uint32_t units,
                         double* out) noexcept {
  std::uint64_t random[gaps_per_block];
  for (std::uint32_t done = 0; done < units; done += units_per_block) {
    const std::uint32_t now = units - done < units_per_block ? units - done : units_per_block;
    fill_u64(stream, first_unit + done, now, random);
    normals(random, now, out + std::uint64_t{done} * gaps_per_unit);
  }
}

/// floor(2^32 P(N <= x)) by cubic Hermite interpolation.
inline void normal_ranks(const NormalTable& table, const double* normals, std::uint32_t n,
                         std::uint32_t* out) noexcept {
  const double* nodes = table.nodes;
  for (std::uint32_t i = 0; i < n; ++i) {
    const double place = (normals[i] - NormalTable::first) * NormalTable::per_unit;
    constexpr double last = NormalTable::steps - 1;
    const double inside = place < 0.0 ? 0.0 : place > last ? last : place;
    const auto k = static_cast<std::int64_t>(inside);
    const double t = inside - static_cast<double>(k);
    const double* a = nodes + 2 * k;
    const double rise = a[2] - a[0];
    const double value =
        a[0] + t * (a[1] + t * ((3.0 * rise - 2.0 * a[1] - a[3]) + t * (a[1] + a[3] - 2.0 * rise)));
    const double scaled = value * 0x1p32;
    const double rank = scaled < 0.0 ? 0.0 : scaled > 4294967295.0 ? 4294967295.0 : scaled;
    out[i] = static_cast<std::uint32_t>(static_cast<std::int64_t>(rank));
  }
}

}  // namespace tracetide::TRACETIDE_KERNEL_LEVEL
