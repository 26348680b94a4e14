// Nanoseconds an element of every stage of the engine, at every instruction-set level of this machine.
//   core_benchmark [MIN_MS]     the least time spent on each figure, 50 by default
//
// One thread; buffers of the engine's sizes, which stay in its caches; the best of several runs. The stages
// are those of the hot path in its order: random words, gaps, arrival times, draws, time order. Their sum is
// not the engine's cost of a request: Gamma gaps take two or three random values each, and planning, the
// layout of slices and delivery are not in it.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "distributions/alias_table.hpp"
#include "kernels/gap_law.hpp"
#include "kernels/kernels.hpp"

namespace {

using tracetide::Family;
using tracetide::Kernels;

// A slice of the merge (engine/merge.cpp), which also is a good block for the other stages.
constexpr std::uint32_t slice = 16384;
constexpr int slice_bits = 33;  // a slice of 8.6 s, in ns

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Best time of `run()`, whose calls go through pointers and so cannot be optimised away, in ns, divided by
/// what it returns: the number of elements made.
double ns_each(double min_s, const std::function<std::uint64_t()>& run) {
  double best = 1e300;
  run();
  for (const double begin = now_s(); now_s() - begin < min_s;) {
    const double start = now_s();
    const std::uint64_t elements = run();
    best = std::min(best, (now_s() - start) * 1e9 / static_cast<double>(elements));
  }
  return best;
}

struct Stage {
  std::string name;
  std::function<std::uint64_t(const Kernels&)> run;
};

std::vector<std::uint32_t> random_words(std::uint32_t n) {
  std::vector<std::uint32_t> words(n);
  tracetide::kernels_for().fill_u32({.seed = 1}, 0, n / tracetide::words_per_group, words.data());
  return words;
}

Stage philox_stage() {
  return {"philox, 64 bits",
          [out = std::vector<std::uint64_t>(tracetide::gaps_per_block)](const Kernels& kernels) mutable {
            for (std::uint64_t unit = 0; unit < slice / tracetide::gaps_per_unit;
                 unit += tracetide::units_per_block) {
              kernels.fill_u64({.seed = 2}, unit, tracetide::units_per_block, out.data());
            }
            return std::uint64_t{slice};
          }};
}

Stage gaps_stage(std::string name, Family family, double shape) {
  return {std::move(name),
          [law = tracetide::make_gap_law(family, shape),
           out = std::vector<double>(tracetide::gaps_per_block)](const Kernels& kernels) mutable {
            const auto streams = tracetide::gap_streams(3, 0, 0);
            std::uint64_t made = 0;
            for (std::uint64_t unit = 0; unit < slice / tracetide::gaps_per_unit;
                 unit += tracetide::units_per_block) {
              made += kernels.gaps(law, streams, unit, tracetide::units_per_block, out.data());
            }
            return made;
          }};
}

Stage arrival_times_stage() {
  std::vector<double> gap(tracetide::gaps_per_block, 1.0);
  return {"arrival times",
          [gap, out = std::vector<std::int64_t>(gap.size())](const Kernels& kernels) mutable {
            const auto n = static_cast<std::uint32_t>(gap.size());
            for (std::uint32_t done = 0; done < slice; done += n) {
              kernels.arrival_times(gap.data(), n, 12345.678, 77, std::int64_t{1} << 50, 11, out.data());
            }
            return std::uint64_t{slice};
          }};
}

Stage alias_stage(std::uint32_t values) {
  std::vector<std::uint32_t> value(values);
  std::vector<double> weight(values);
  for (std::uint32_t i = 0; i < values; ++i) {
    value[i] = i;
    weight[i] = 1.0 / (1.0 + i);
  }
  return {"alias draw, " + std::to_string(values) + " values",
          [table = tracetide::make_alias_table(value, weight), words = random_words(slice),
           out = std::vector<std::uint32_t>(slice)](const Kernels& kernels) mutable {
            const auto draw = table.wide ? kernels.draw_alias_wide : kernels.draw_alias;
            draw(table.cells.data(), table.size, table.base, words.data(), slice, out.data());
            return std::uint64_t{slice};
          }};
}

// Keys of a slice as the merge sees them: the times of `clients` clients one after the other, each ascending.
struct Slice {
  static constexpr std::uint32_t clients = 40;
  static constexpr int index_bits = 14;
  static constexpr int bucket_bits = 15;  // two buckets a request
  std::vector<std::int64_t> times = std::vector<std::int64_t>(slice);
  std::vector<std::uint64_t> keys = std::vector<std::uint64_t>(slice);
  std::vector<std::uint64_t> dealt = std::vector<std::uint64_t>(slice);
  std::vector<std::uint64_t> sorted = std::vector<std::uint64_t>(slice);
  std::vector<std::uint32_t> counts = std::vector<std::uint32_t>(1u << bucket_bits);
  std::vector<std::uint32_t> column = random_words(slice);

  Slice() {
    const auto words = random_words(slice);
    for (std::uint32_t i = 0; i < slice; ++i) {
      times[i] = static_cast<std::int64_t>(std::uint64_t{words[i]} << (slice_bits - 32));
    }
    for (std::uint32_t c = 0; c < clients; ++c) {
      std::sort(times.begin() + c * slice / clients, times.begin() + (c + 1) * slice / clients);
    }
    const Kernels& kernels = tracetide::kernels_for();
    kernels.make_keys(times.data(), slice, 0, index_bits, keys.data());
    scatter(kernels);
    sorted = dealt;
    kernels.insert_keys(sorted.data(), slice);
  }

  void scatter(const Kernels& kernels) {
    kernels.scatter_keys(keys.data(), slice, slice_bits - bucket_bits + index_bits, 1u << bucket_bits,
                         counts.data(), dealt.data());
  }
};

std::vector<Stage> merge_stages() {
  const auto stage = [](std::string name, auto work) {
    return Stage{std::move(name), [data = Slice(), work](const Kernels& kernels) mutable {
                   work(kernels, data);
                   return std::uint64_t{slice};
                 }};
  };
  return {
      stage("merge: keys",
            [](const Kernels& kernels, Slice& data) {
              kernels.make_keys(data.times.data(), slice, 0, Slice::index_bits, data.keys.data());
            }),
      stage("merge: scatter", [](const Kernels& kernels, Slice& data) { data.scatter(kernels); }),
      // Insertion needs dealt keys every time: a copy is part of the figure.
      stage("merge: insert, with a copy",
            [](const Kernels& kernels, Slice& data) {
              std::copy(data.dealt.begin(), data.dealt.end(), data.sorted.begin());
              kernels.insert_keys(data.sorted.data(), slice);
            }),
      stage("merge: gather, one column",
            [out = std::vector<std::uint32_t>(slice)](const Kernels& kernels, Slice& data) mutable {
              kernels.gather(data.column.data(), data.sorted.data(), slice, Slice::index_bits, out.data());
            }),
      stage("merge: seconds",
            [out = std::vector<double>(slice)](const Kernels& kernels, Slice& data) mutable {
              kernels.seconds(data.sorted.data(), slice, Slice::index_bits, 123'456'789'000, out.data());
            }),
  };
}

std::vector<Stage> all_stages() {
  std::vector<Stage> stages{
      philox_stage(),
      gaps_stage("gaps: exponential", Family::exponential, 1),
      gaps_stage("gaps: gamma 0.3", Family::gamma, 0.3),
      gaps_stage("gaps: gamma 2", Family::gamma, 2),
      gaps_stage("gaps: weibull 0.5", Family::weibull, 0.5),
      arrival_times_stage(),
      alias_stage(300),
      alias_stage(4096),
      alias_stage(65536),
  };
  for (Stage& stage : merge_stages()) stages.push_back(std::move(stage));
  return stages;
}

}  // namespace

int main(int argc, char** argv) {
  const double min_s = number_argument(argc, argv, 1, 50) / 1e3;
  const auto levels = tracetide::available_kernels();
  std::printf("%-28s", "ns/element");
  for (const Kernels* kernels : levels) std::printf(" %10s", std::string(name(kernels->level)).c_str());
  std::printf("\n");
  for (const Stage& stage : all_stages()) {
    std::printf("%-28s", stage.name.c_str());
    for (const Kernels* kernels : levels) {
      std::printf(" %10.3f", ns_each(min_s, [&] { return stage.run(*kernels); }));
      std::fflush(stdout);
    }
    std::printf("\n");
  }
}
