// The hot loops, one table of functions per instruction-set level. All levels give the same bits.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/gap_law.hpp"
#include "kernels/normal_table.hpp"
#include "kernels/warp_pieces.hpp"
#include "kernels/zipf_law.hpp"
#include "tracetide/kernel_level.hpp"

namespace tracetide {

struct Kernels {
  KernelLevel level;

  // random/philox_lanes.hpp
  void (*fill_u64)(const StreamKey&, std::uint64_t first_group, std::uint64_t groups,
                   std::uint64_t* out) noexcept;
  void (*fill_u32)(const StreamKey&, std::uint64_t first_group, std::uint64_t groups,
                   std::uint32_t* out) noexcept;

  // kernels/gap_kernels.hpp
  std::uint32_t (*gaps)(const GapLaw&, const GapStreams&, std::uint64_t first_unit, std::uint32_t units,
                        double* out) noexcept;
  std::uint32_t (*few_gaps)(const GapLaw&, const GapStreams&, std::uint64_t unit, double* out) noexcept;
  double (*sum)(const double*, std::uint32_t n) noexcept;
  double (*largest)(const double*, std::uint32_t n) noexcept;
  void (*exponentiate)(double*, std::uint32_t n, double offset) noexcept;
  void (*arrival_times)(const double* gap, std::uint32_t n, double scale, std::int64_t start,
                        std::int64_t end, int shift, std::int64_t* out) noexcept;

  // kernels/warp_kernels.hpp
  void (*warp_times)(const WarpPieces&, std::int64_t* times, std::uint64_t n) noexcept;

  // kernels/draw_kernels.hpp
  void (*draw_alias)(const std::uint64_t* cells, std::uint32_t size, std::uint32_t base,
                     const std::uint32_t* words, std::uint32_t n, std::uint32_t* out) noexcept;
  void (*draw_alias_wide)(const std::uint64_t* cells, std::uint32_t size, std::uint32_t base,
                          const std::uint32_t* words, std::uint32_t n, std::uint32_t* out) noexcept;
  void (*draw_quantile)(const std::uint32_t* values, const std::uint32_t* cumulative,
                        const std::uint32_t* guide, std::uint32_t size, const std::uint32_t* words,
                        std::uint32_t n, std::uint32_t* out) noexcept;
  void (*draw_interpolated)(const double* quantile, std::uint32_t count, const std::uint32_t* words,
                            std::uint32_t n, double* out) noexcept;
  void (*round_tokens)(const double* values, std::uint32_t n, double minimum, double maximum,
                       std::uint32_t* out) noexcept;
  void (*place_in_bins)(const std::uint32_t* first, const std::uint32_t* width, const std::uint32_t* places,
                        std::uint32_t n, std::uint32_t* bins_to_values) noexcept;
  void (*look_up)(const double* values, const std::uint32_t* positions, std::uint32_t n,
                  double* out) noexcept;
  void (*scale_tokens)(const double* ratio, const std::uint32_t* tokens, std::uint32_t n,
                       std::uint32_t* out) noexcept;

  // kernels/copula_kernels.hpp
  void (*draw_normals)(const StreamKey&, std::uint64_t first_unit, std::uint32_t units, double* out) noexcept;
  void (*normal_ranks)(const NormalTable&, const double* normals, std::uint32_t n,
                       std::uint32_t* out) noexcept;

  // kernels/merge_kernels.hpp
  void (*make_keys)(const std::int64_t* times, std::uint32_t n, std::int64_t base, int index_bits,
                    std::uint64_t* keys) noexcept;
  std::uint32_t (*scatter_keys)(const std::uint64_t* keys, std::uint32_t n, int shift, std::uint32_t buckets,
                                std::uint32_t* counts, std::uint64_t* out) noexcept;
  void (*insert_keys)(std::uint64_t* keys, std::uint32_t n) noexcept;
  void (*gather)(const std::uint32_t* column, const std::uint64_t* keys, std::uint32_t n, int index_bits,
                 std::uint32_t* out) noexcept;
  void (*seconds)(const std::uint64_t* keys, std::uint32_t n, int index_bits, std::int64_t base,
                  double* out) noexcept;

  // kernels/law_kernels.hpp: blocks of gaps_per_block candidates; those that reject return how many
  std::uint32_t (*draw_scaled_gaps)(const GapLaw&, const GapStreams&, std::uint64_t first_unit, double scale,
                                    double* out) noexcept;
  void (*draw_pareto)(const StreamKey&, std::uint64_t first_unit, double inverse_alpha, double minimum,
                      double* out) noexcept;
  void (*draw_log_normal)(const StreamKey&, std::uint64_t first_unit, double mu, double sigma,
                          double* out) noexcept;
  void (*draw_uniform)(const StreamKey&, std::uint64_t first_unit, double low, double width,
                       double* out) noexcept;
  std::uint32_t (*draw_zipf)(const ZipfLaw&, const StreamKey&, std::uint64_t first_unit,
                             std::int64_t* out) noexcept;
};

/// The levels this machine can run, best first.
[[nodiscard]] std::span<const Kernels* const> available_kernels() noexcept;

/// The kernels of a level. @throws std::invalid_argument listing the levels, as the following
[[nodiscard]] const Kernels& kernels_for(KernelLevel level = KernelLevel::best);
/// The level of a name, of those that this machine can run; the best for an empty one.
[[nodiscard]] KernelLevel parse_kernel_level(std::string_view name);

}  // namespace tracetide
