#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/kernels.hpp"

namespace tracetide {

namespace baseline {
extern const Kernels table;
}
#ifdef TRACETIDE_X86_LEVELS
namespace v3 {
extern const Kernels table;
}
namespace v4 {
extern const Kernels table;
}
#endif

namespace {

Kernels at_level(const Kernels& table, KernelLevel level) {
  Kernels copy = table;
  copy.level = level;
  return copy;
}

#ifdef TRACETIDE_X86_LEVELS
// By features: compilers older than GCC 12 do not know the names of the levels here. No processor has these
// without the rest of its level.
bool has_v3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
         __builtin_cpu_supports("fma");
}

bool has_v4() {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#endif

// Without a destructor: threads of a stream that nobody has closed use it until the process is gone.
class Levels {
 public:
  Levels() {
#ifdef TRACETIDE_X86_LEVELS
    if (has_v4()) add(at_level(v4::table, KernelLevel::x86_64_v4));
    if (has_v3()) add(at_level(v3::table, KernelLevel::x86_64_v3));
#endif
    add(at_level(baseline::table, KernelLevel::baseline));
  }
  [[nodiscard]] std::span<const Kernels* const> best_first() const noexcept {
    return std::span(pointers_).first(count_);
  }

 private:
  void add(const Kernels& table) {
    tables_[count_] = table;
    pointers_[count_] = &tables_[count_];
    ++count_;
  }

  std::array<Kernels, 3> tables_{};
  std::array<const Kernels*, 3> pointers_{};
  std::size_t count_ = 0;
};
static_assert(std::is_trivially_destructible_v<Levels>);

const Levels& levels() {
  static const Levels found;
  return found;
}

std::invalid_argument not_available(std::string_view level) {
  std::string names;
  for (const Kernels* kernels : available_kernels())
    names.append(names.empty() ? "" : ", ").append(name(kernels->level));
  return std::invalid_argument("kernels: '" + std::string(level) +
                               "' is not a level this machine can run; it has " + names);
}

}  // namespace

std::string_view name(KernelLevel level) noexcept {
  switch (level) {
    case KernelLevel::best:
      return "best";
    case KernelLevel::baseline:
      return "baseline";
    case KernelLevel::x86_64_v3:
      return "x86-64-v3";
    case KernelLevel::x86_64_v4:
      return "x86-64-v4";
  }
  return "unknown";
}

std::span<const Kernels* const> available_kernels() noexcept { return levels().best_first(); }

const Kernels& kernels_for(KernelLevel level) {
  for (const Kernels* kernels : available_kernels())
    if (level == KernelLevel::best || kernels->level == level) return *kernels;
  throw not_available(name(level));
}

KernelLevel parse_kernel_level(std::string_view text) {
  if (text.empty()) return KernelLevel::best;
  for (const Kernels* kernels : available_kernels())
    if (name(kernels->level) == text) return kernels->level;
  throw not_available(text);
}

std::vector<KernelLevel> kernel_levels() {
  std::vector<KernelLevel> found;
  for (const Kernels* kernels : available_kernels()) found.push_back(kernels->level);
  return found;
}

}  // namespace tracetide
