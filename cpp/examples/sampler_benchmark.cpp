// Google Benchmark around samplers: production-like lengths in somebody else's benchmark.
#include <benchmark/benchmark.h>

#include <tracetide/tracetide.hpp>
#include <vector>

namespace {

void sample_lengths(benchmark::State& state) {
  using namespace tracetide::laws;
  const Mixture lengths({{0.9, LogNormal::with_median(300, 1.1)}, {0.1, Pareto(1.5, 2000)}});
  std::vector<double> values(static_cast<std::size_t>(state.range(0)));
  std::uint64_t seed = 0;
  for (auto _ : state) {  // NOLINT(clang-analyzer-deadcode.DeadStores): Google Benchmark's way to count
    lengths.sample(values, {.seed = seed++});
    benchmark::DoNotOptimize(values.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(sample_lengths)->Arg(1 << 10)->Arg(1 << 16);

}  // namespace

BENCHMARK_MAIN();
