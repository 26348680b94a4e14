// A load generator's loop: requests come when they are due.
//
//   load_loop PROFILE.tide [requests/s] [seconds] [speed]
//
// Sends nothing; prints how late requests were handed out.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <tracetide/tracetide.hpp>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Sleeping ends late by some tens of microseconds; the last bit is waited for awake.
void wait_until(Clock::time_point start, double due) {
  constexpr double awake = 100e-6;
  const double left = due - seconds_since(start);
  if (left > awake) std::this_thread::sleep_for(std::chrono::duration<double>(left - awake));
}

double percentile(const std::vector<double>& sorted, double p) {
  return sorted[static_cast<std::size_t>(p * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

int main(int count, char** arguments) try {
  if (count < 2) {
    std::fprintf(stderr, "usage: %s PROFILE.tide [requests/s] [seconds] [speed]\n", arguments[0]);
    return 2;
  }
  const double rate = count > 2 ? std::stod(arguments[2]) : 1000;
  const double duration = count > 3 ? std::stod(arguments[3]) : 10;
  const double speed = count > 4 ? std::stod(arguments[4]) : 1;

  const tracetide::Job job{tracetide::Profile::open(arguments[1]), {.rate = rate, .duration = duration}};
  tracetide::PacedStream stream{job, {.speed = speed}};
  std::vector<double> late;
  late.reserve(static_cast<std::size_t>(1.1 * job.expected()) + 1000);
  std::uint64_t tokens = 0;

  const Clock::time_point start = Clock::now();
  while (!stream.done()) {
    const double now = seconds_since(start);
    const tracetide::DueRequests due = stream.next_due(now);
    if (due.empty()) {
      wait_until(start, stream.next_time());
      continue;
    }
    for (std::size_t row = due.first; row < due.last; ++row) {
      // Here a request would be sent.
      tokens += due.batch->input_tokens()[row];
      late.push_back(now - due.batch->timestamp()[row] / speed);
    }
  }

  std::sort(late.begin(), late.end());
  std::printf("%zu requests, %llu input tokens\n", late.size(), static_cast<unsigned long long>(tokens));
  for (const double p : {0.5, 0.9, 0.99, 0.999, 1.0})
    std::printf("late, %5.1f %%: %8.1f us\n", 100 * p, 1e6 * percentile(late, p));
  std::printf("not made in time: %llu\n", static_cast<unsigned long long>(stream.starved()));
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
