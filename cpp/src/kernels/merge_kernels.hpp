// Time order of a slice of requests. Included once per instruction-set level.
//
// A key is (time in the slice) << index bits | index, so keys are unique and their order is the order of
// the trace: by time, then by client and position, which is how the indices were given out. Requests are
// brought near their place by one counting pass over buckets of time (about one request each), what
// is left is insertion. Sorting only keys, the columns are moved once, by index.
#pragma once

#include <cstdint>

#include "math/elementary.hpp"

namespace tracetide::TRACETIDE_KERNEL_LEVEL {

/// keys[i] = (times[i] - base) << index_bits | i
inline void make_keys(const std::int64_t* times, std::uint32_t n, std::int64_t base, int index_bits,
                      std::uint64_t* keys) noexcept {
  for (std::uint32_t i = 0; i < n; ++i) {
    keys[i] = static_cast<std::uint64_t>(times[i] - base) << index_bits | i;
  }
}

/// Counting sort by keys[i] >> shift, which is below `buckets`. Afterwards counts[b] is the end of bucket
/// b in `out`. Returns the size of the largest bucket.
inline std::uint32_t scatter_keys(const std::uint64_t* keys, std::uint32_t n, int shift,
                                  std::uint32_t buckets, std::uint32_t* counts, std::uint64_t* out) noexcept {
  for (std::uint32_t b = 0; b < buckets; ++b) counts[b] = 0;
  for (std::uint32_t i = 0; i < n; ++i) ++counts[keys[i] >> shift];
  std::uint32_t at = 0;
  std::uint32_t largest = 0;
  for (std::uint32_t b = 0; b < buckets; ++b) {
    const std::uint32_t count = counts[b];
    counts[b] = at;
    at += count;
    largest = largest < count ? count : largest;
  }
  for (std::uint32_t i = 0; i < n; ++i) out[counts[keys[i] >> shift]++] = keys[i];
  return largest;
}

/// Insertion sort, for keys that are near their place.
inline void insert_keys(std::uint64_t* keys, std::uint32_t n) noexcept {
  for (std::uint32_t i = 1; i < n; ++i) {
    const std::uint64_t key = keys[i];
    std::uint32_t at = i;
    while (at > 0 && keys[at - 1] > key) {
      keys[at] = keys[at - 1];
      --at;
    }
    keys[at] = key;
  }
}

inline void gather(const std::uint32_t* column, const std::uint64_t* keys, std::uint32_t n, int index_bits,
                   std::uint32_t* out) noexcept {
  const std::uint64_t mask = (std::uint64_t{1} << index_bits) - 1;
  for (std::uint32_t i = 0; i < n; ++i) out[i] = column[keys[i] & mask];
}

/// Whole nanoseconds to seconds, each the double nearest to the exact value (below 2^53 ns). The integer is
/// converted by halves, which, unlike the 64-bit conversion, every instruction set does in lanes.
inline void seconds(const std::uint64_t* keys, std::uint32_t n, int index_bits, std::int64_t base,
                    double* out) noexcept {
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint64_t ns = static_cast<std::uint64_t>(base) + (keys[i] >> index_bits);
    const double high = from_bits((ns >> 32) | 0x4530000000000000u) - (0x1p84 + 0x1p52);
    const double low = from_bits((ns & 0xFFFFFFFFu) | 0x4330000000000000u);
    out[i] = (high + low) / 1e9;
  }
}

}  // namespace tracetide::TRACETIDE_KERNEL_LEVEL
