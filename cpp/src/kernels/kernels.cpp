// Compiled once per instruction-set level (see CMakeLists.txt), with TRACETIDE_KERNEL_LEVEL naming it.
// Nothing from the standard library may be instantiated here: the linker keeps one copy of an inline
// function, and it could be the one for a newer processor than the one it then runs on.
#include "kernels/kernels.hpp"

#include "kernels/copula_kernels.hpp"
#include "kernels/draw_kernels.hpp"
#include "kernels/gap_kernels.hpp"
#include "kernels/law_kernels.hpp"
#include "kernels/merge_kernels.hpp"
#include "kernels/warp_kernels.hpp"
#include "random/philox_lanes.hpp"

namespace tracetide::TRACETIDE_KERNEL_LEVEL {

extern const Kernels table;
const Kernels table{
    .level = {},
    .fill_u64 = fill_u64,
    .fill_u32 = fill_u32,
    .gaps = gaps,
    .few_gaps = few_gaps,
    .sum = sum,
    .largest = largest,
    .exponentiate = exponentiate,
    .arrival_times = arrival_times,
    .warp_times = warp_times,
    .draw_alias = draw_alias,
    .draw_alias_wide = draw_alias_wide,
    .draw_quantile = draw_quantile,
    .draw_interpolated = draw_interpolated,
    .round_tokens = round_tokens,
    .place_in_bins = place_in_bins,
    .look_up = look_up,
    .scale_tokens = scale_tokens,
    .draw_normals = draw_normals,
    .normal_ranks = normal_ranks,
    .make_keys = make_keys,
    .scatter_keys = scatter_keys,
    .insert_keys = insert_keys,
    .gather = gather,
    .seconds = seconds,
    .draw_scaled_gaps = draw_scaled_gaps,
    .draw_pareto = draw_pareto,
    .draw_log_normal = draw_log_normal,
    .draw_uniform = draw_uniform,
    .draw_zipf = draw_zipf,
};

}  // namespace tracetide::TRACETIDE_KERNEL_LEVEL
