// Requests per second of the engine on a profile.
//   engine_benchmark PROFILE [THREADS [RATE [DURATION_S [KERNELS]]]]     RATE 0: native
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "arguments.hpp"
#include "kernels/kernels.hpp"
#include "tracetide/tracetide.hpp"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s PROFILE [THREADS [RATE [DURATION_S [KERNELS]]]]\n", argv[0]);
    return 2;
  }
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const auto start = Clock::now();
  const std::filesystem::path path = argv[1];
  const auto profile =
      std::filesystem::is_directory(path) ? tracetide::read_servegen(path) : tracetide::Profile::open(path);
  const double load_s = seconds_since(start);

  tracetide::JobOptions options;
  if (const double rate = number_argument(argc, argv, 3, 0); rate > 0) options.rate = rate;
  if (const double duration = number_argument(argc, argv, 4, 0); duration > 0) options.duration = duration;
  const tracetide::Job job(profile, options);
  tracetide::StreamOptions stream_options;
  stream_options.threads = static_cast<unsigned>(number_argument(argc, argv, 2, 0));
  if (argc > 5) stream_options.kernels = tracetide::parse_kernel_level(argv[5]);

  const auto begin = Clock::now();
  tracetide::Stream stream(job, stream_options);
  std::uint64_t requests = 0;
  double sum = 0;
  while (const tracetide::Batch* batch = stream.next()) {
    requests += batch->size();
    sum += batch->timestamp()[0] + batch->input_tokens()[0];
  }
  const double run_s = seconds_since(begin);
  std::printf("load %.3f s, %llu requests in %.3f s: %.1f M requests/s, %.2f ns each (check %.6g)\n", load_s,
              static_cast<unsigned long long>(requests), run_s, static_cast<double>(requests) / run_s / 1e6,
              run_s / static_cast<double>(requests) * 1e9, sum);
}
