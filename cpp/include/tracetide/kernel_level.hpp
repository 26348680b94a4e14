// Instruction-set levels of the hot loops. All of them make the same bits: a level is chosen for speed alone.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

enum class KernelLevel : std::uint8_t {
  best,      ///< of those that the machine can run
  baseline,  ///< what the compiler was told to compile for
  x86_64_v3,
  x86_64_v4,
};
/// "best", "baseline", "x86-64-v3", "x86-64-v4".
[[nodiscard]] std::string_view name(KernelLevel level) noexcept;

/// Those that this machine can run, best first. Others throw std::invalid_argument where they are asked for.
[[nodiscard]] std::vector<KernelLevel> kernel_levels();

}  // namespace tracetide
#pragma GCC visibility pop
