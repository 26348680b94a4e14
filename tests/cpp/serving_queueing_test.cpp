// Against queueing theory, where it has an answer. Seeds are fixed; every test is of the mean of 64
// independent runs, so that the spread of the mean is known, and passes within 5.5 standard errors of
// Student's t with 63 degrees of freedom: a false alarm in 1.4 million each.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "tracetide/serving.hpp"

namespace tracetide {
namespace {

constexpr int runs = 64;
constexpr double most_errors = 5.5;
constexpr int requests_a_run = 10'000;

// A queue that starts empty is shorter at first; the first requests are served and not counted.
constexpr std::size_t warm_up = 1000;

using Tokens = std::function<std::uint32_t(std::mt19937_64&)>;

struct Load {
  double rate;  // requests/s
  Tokens input;
  Tokens output;
};

struct Served {
  ServedRequest request;
  std::uint32_t output;
};

std::vector<Served> run(const InstanceOptions& options, const Load& load, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> gap(load.rate);
  std::vector<double> time;
  std::vector<std::uint32_t> input;
  std::vector<std::uint32_t> output;
  double now = 0;
  for (int i = 0; i < requests_a_run; ++i) {
    now += gap(random);
    time.push_back(now);
    input.push_back(load.input(random));
    output.push_back(load.output(random));
  }
  ServingSimulator simulator({.instance = options, .keep_requests = true});
  simulator.add(ServingRequests{time, input, output, {}, {}});
  std::vector<Served> served;
  for (const ServedRequest& request : simulator.finish().served) {
    if (request.number >= warm_up) served.push_back({request, output[request.number]});
  }
  return served;
}

void expect_mean(const std::function<double(std::uint64_t seed)>& mean_of_run, double expected) {
  double sum = 0;
  double squares = 0;
  for (int seed = 1; seed <= runs; ++seed) {
    const double mean = mean_of_run(static_cast<std::uint64_t>(seed));
    sum += mean;
    squares += mean * mean;
  }
  const double mean = sum / runs;
  const double error = std::sqrt((squares / runs - mean * mean) / (runs - 1));
  EXPECT_LT(std::abs(mean - expected), most_errors * error)
      << "observed " << mean << ", expected " << expected << ", standard error " << error;
  EXPECT_LT(error, 0.02 * expected) << "the test is too weak to see anything";
}

/// The mean time from arrival to end of those with an output of so many tokens; 0: of all.
double mean_latency(const std::vector<Served>& served, std::uint32_t output = 0) {
  double sum = 0;
  double count = 0;
  for (const Served& one : served) {
    if (output != 0 && one.output != output) continue;
    sum += one.request.end_s - one.request.arrival_s;
    ++count;
  }
  return sum / count;
}

std::uint32_t one(std::mt19937_64&) { return 1; }

// Exponential with this mean, in whole tokens: the steps are so small that nothing is seen of them.
Tokens exponential(double mean) {
  return [mean](std::mt19937_64& random) {
    return static_cast<std::uint32_t>(std::ceil(std::exponential_distribution<double>(1 / mean)(random)));
  };
}

// One request at a time, whose prompt is its service: 10 us a token.
InstanceOptions single_server() {
  return {.cost = {.prefill_token_s = 1e-5},
          .kv_tokens = 1'000'000'000,
          .max_batch_tokens = 1'000'000'000,
          .max_sequences = 1};
}

// M/M/1: the mean time in the system is 1 / (mu - lambda).
TEST(Queueing, MM1) {
  for (const double rate : {50.0, 75.0}) {
    expect_mean(
        [&](std::uint64_t seed) {
          return mean_latency(run(single_server(), {rate, exponential(1000), one}, seed));
        },
        1 / (100 - rate));
  }
}

// M/D/1: the mean time in the queue is rho / (2 mu (1 - rho)) (Pollaczek and Khinchine).
TEST(Queueing, MD1) {
  for (const double rate : {50.0, 75.0}) {
    const double load = rate / 100;
    const auto constant = [](std::mt19937_64&) { return 1000U; };
    expect_mean(
        [&](std::uint64_t seed) { return mean_latency(run(single_server(), {rate, constant, one}, seed)); },
        0.01 + load / (200 * (1 - load)));
  }
}

// M/G/1: two kinds of requests; the mean time in the queue is lambda E[S^2] / (2 (1 - rho)).
TEST(Queueing, MG1) {
  const auto two_kinds = [](std::mt19937_64& random) { return random() % 10 == 0 ? 5500U : 500U; };
  const double second_moment = 0.9 * 0.005 * 0.005 + 0.1 * 0.055 * 0.055;
  expect_mean(
      [&](std::uint64_t seed) { return mean_latency(run(single_server(), {70, two_kinds, one}, seed)); },
      0.01 + 70 * second_moment / (2 * (1 - 0.7)));
}

// Decoding that costs by sequence alone shares the instance equally: M/G/1-PS, as far as a token is little of
// a request. The mean time of a request with work x is x / (1 - rho), whatever the law of the work (Kleinrock
// 1976).
TEST(Queueing, MG1ProcessorSharing) {
  const InstanceOptions options{.cost = {.decode_sequence_s = 1e-5},
                                .kv_tokens = 1'000'000'000,
                                .max_batch_tokens = 100'000,
                                .max_sequences = 100'000};
  const auto two_kinds = [](std::mt19937_64& random) { return random() % 10 == 0 ? 5501U : 501U; };
  for (const std::uint32_t output : {501U, 5501U}) {  // the first token is the prompt's
    expect_mean(
        [&](std::uint64_t seed) { return mean_latency(run(options, {70, one, two_kinds}, seed), output); },
        1e-5 * (output - 1) / (1 - 0.7));
  }
}

}  // namespace
}  // namespace tracetide
