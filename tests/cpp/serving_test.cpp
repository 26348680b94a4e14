#include "tracetide/serving.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "serving_reference.hpp"

namespace tracetide {
namespace {

using testing::ReferenceInstance;
using testing::ReferenceRequest;

struct Requests {
  std::vector<double> timestamp{};
  std::vector<std::uint32_t> input{};
  std::vector<std::uint32_t> output{};
  std::vector<std::uint64_t> session{};
  std::vector<double> delay{};

  void add(double time, std::uint32_t in, std::uint32_t out) {
    timestamp.push_back(time);
    input.push_back(in);
    output.push_back(out);
  }
  void add(double time, std::uint32_t in, std::uint32_t out, std::uint64_t of, double after) {
    add(time, in, out);
    session.push_back(of);
    delay.push_back(after);
  }
  [[nodiscard]] ServingRequests part(std::size_t first, std::size_t last) const {
    const auto span = [&](const auto& column) {
      return column.empty() ? std::span(column) : std::span(column).subspan(first, last - first);
    };
    return {span(timestamp), span(input), span(output), span(session), span(delay)};
  }
  [[nodiscard]] ServingRequests all() const { return part(0, timestamp.size()); }
};

ServingResult serve(const Requests& requests, ServingOptions options) {
  options.keep_requests = true;
  ServingSimulator simulator(options);
  simulator.add(requests.all());
  return simulator.finish();
}

/// By row.
std::vector<ServedRequest> by_row(ServingResult result) {
  std::ranges::sort(result.served, {}, &ServedRequest::number);
  return result.served;
}

InstanceOptions instance(CostModel cost) {
  return {.cost = cost, .kv_tokens = 100'000, .max_batch_tokens = 1000, .max_sequences = 100};
}

std::uint32_t below_of(std::mt19937& random, std::uint32_t n) {
  return static_cast<std::uint32_t>(random()) % n;
}

// Small numbers of everything, so that queues, full caches and preemptions are common.
InstanceOptions random_instance(std::mt19937& random) {
  const auto below = [&](std::uint32_t n) { return below_of(random, n); };
  const CostModel cost{.base_s = below(3) * 1e-3,
                       .prefill_token_s = 1e-4 * (1 + below(20)),
                       .prefill_pair_s = below(2) * 3e-6,
                       .decode_sequence_s = below(3) * 2e-4,
                       .context_token_s = below(3) * 1e-5};
  const std::uint32_t sequences = 1 + below(6);
  return {.cost = cost,
          .kv_tokens = 25 + below(100),
          .max_batch_tokens = sequences + below(30),
          .max_sequences = sequences,
          .chunked_prefill = below(2) == 0};
}

Requests random_requests(std::mt19937& random, std::size_t count, double gap_s) {
  Requests requests;
  double now = 0;
  for (std::size_t i = 0; i < count; ++i) {
    now += random() % 3 == 0 ? 0.0 : static_cast<double>(random() % 1'000'000'000) / 5e8 * gap_s;
    requests.add(std::round(now * 1e9) / 1e9, 1 + below_of(random, 12), 1 + below_of(random, 14));
  }
  return requests;
}

std::vector<ReferenceRequest> reference_requests(const Requests& requests) {
  std::vector<ReferenceRequest> found;
  found.reserve(requests.timestamp.size());
  for (std::size_t i = 0; i < requests.timestamp.size(); ++i) {
    found.push_back({.arrival = std::llround(requests.timestamp[i] * 1e9) * 1000,
                     .input = requests.input[i],
                     .output = requests.output[i]});
  }
  return found;
}

void expect_same(const LatencyHistogram& found, const LatencyHistogram& expected) {
  ASSERT_EQ(found.count(), expected.count());
  if (expected.count() == 0) return;
  EXPECT_EQ(found.mean_s(), expected.mean_s());
  for (int i = 0; i <= 20; ++i) ASSERT_EQ(found.quantile_s(i / 20.0), expected.quantile_s(i / 20.0)) << i;
}

TEST(Serving, IsWhatIterationAfterIterationDoes) {
  std::mt19937 random(1);
  std::uint64_t preempted = 0;
  for (int trial = 0; trial < 1500; ++trial) {
    SCOPED_TRACE(trial);
    const InstanceOptions options = random_instance(random);
    const Requests requests = random_requests(random, 40, 0.005 + 0.02 * below_of(random, 4));
    std::vector<ReferenceRequest> expected = reference_requests(requests);
    ReferenceInstance reference(options);
    reference.serve(expected);
    const ServingResult found = serve(requests, {.instance = options});

    LatencyHistogram gaps;
    LatencyHistogram first_tokens;
    for (const ReferenceRequest& request : expected) {
      first_tokens.add(request.tokens.front() - request.arrival);
      for (std::size_t k = 1; k < request.tokens.size(); ++k)
        gaps.add(request.tokens[k] - request.tokens[k - 1]);
    }
    expect_same(found.tbt, gaps);
    expect_same(found.ttft, first_tokens);
    ASSERT_EQ(found.iterations, reference.iterations);
    ASSERT_EQ(found.preemptions, reference.preemptions);
    ASSERT_EQ(found.peak_kv_tokens, reference.peak);
    ASSERT_EQ(found.busy_s, static_cast<double>(reference.busy) / 1e12);
    const std::vector<ServedRequest> served = by_row(found);
    ASSERT_EQ(served.size(), expected.size());
    for (std::size_t i = 0; i < served.size(); ++i) {
      ASSERT_EQ(served[i].first_token_s, static_cast<double>(expected[i].tokens.front()) / 1e12) << i;
      ASSERT_EQ(served[i].end_s, static_cast<double>(expected[i].tokens.back()) / 1e12) << i;
      ASSERT_EQ(served[i].preemptions, expected[i].preemptions) << i;
    }
    EXPECT_FALSE(reference.was_lazy);
    EXPECT_LE(found.peak_kv_tokens, options.kv_tokens);
    preempted += found.preemptions;
  }
  EXPECT_GT(preempted, 1000u);  // else the cases are too easy
}

TEST(Serving, DoesNotDependOnBatches) {
  std::mt19937 random(2);
  for (const Routing routing : {Routing::round_robin, Routing::least_loaded}) {
    const Requests requests = random_requests(random, 500, 0.01);
    const ServingOptions options{
        .instance = random_instance(random), .instances = 3, .routing = routing, .keep_requests = true};
    const std::vector<ServedRequest> expected = by_row(serve(requests, options));
    ServingSimulator simulator(options);
    for (std::size_t first = 0; first < 500; first += 7)
      simulator.add(requests.part(first, std::min<std::size_t>(first + 7, 500)));
    const std::vector<ServedRequest> found = by_row(simulator.finish());
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].end_s, expected[i].end_s);
      ASSERT_EQ(found[i].instance, expected[i].instance);
    }
  }
}

// In turn, whatever the state: every instance serves its share as it would alone.
TEST(Serving, RoundRobinGivesEveryInstanceItsShare) {
  std::mt19937 random(3);
  const InstanceOptions options = random_instance(random);
  const Requests requests = random_requests(random, 300, 0.01);
  const std::vector<ServedRequest> found = by_row(serve(requests, {.instance = options, .instances = 4}));
  for (std::size_t at = 0; at < 4; ++at) {
    Requests share;
    for (std::size_t i = at; i < 300; i += 4)
      share.add(requests.timestamp[i], requests.input[i], requests.output[i]);
    const std::vector<ServedRequest> alone = by_row(serve(share, {.instance = options}));
    for (std::size_t i = 0; i < alone.size(); ++i) {
      ASSERT_EQ(found[4 * i + at].instance, at);
      ASSERT_EQ(found[4 * i + at].end_s, alone[i].end_s);
    }
  }
}

// The routing, from the served requests alone: at its arrival no other instance had fewer unfinished
// requests.
TEST(Serving, LeastLoadedIsTheOneWithTheFewestUnfinished) {
  std::mt19937 random(4);
  for (int trial = 0; trial < 50; ++trial) {
    const Requests requests = random_requests(random, 200, 0.004);
    const std::vector<ServedRequest> found = by_row(serve(
        requests, {.instance = random_instance(random), .instances = 5, .routing = Routing::least_loaded}));
    for (std::size_t i = 0; i < found.size(); ++i) {
      std::vector<std::size_t> unfinished(5);
      for (std::size_t k = 0; k < i; ++k)
        if (found[k].end_s > found[i].arrival_s) ++unfinished[found[k].instance];
      const auto least = std::ranges::min_element(unfinished) - unfinished.begin();
      ASSERT_EQ(found[i].instance, least) << trial << " " << i;
    }
  }
}

// Without preemption first come is first served.
TEST(Serving, FirstTokensComeInTheOrderOfArrival) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 100; ++trial) {
    InstanceOptions options = random_instance(random);
    options.kv_tokens = 100'000;
    const ServingResult found = serve(random_requests(random, 100, 0.005), {.instance = options});
    EXPECT_EQ(found.preemptions, 0u);
    const std::vector<ServedRequest> served = by_row(found);
    EXPECT_TRUE(std::ranges::is_sorted(served, {}, &ServedRequest::first_token_s));
  }
}

// By hand: 10 + 20 tokens of prompt in iterations of at most 16 tokens, which cost 1 s and 0.1 s a token.
TEST(Serving, CutsPromptsToFillTheIterations) {
  InstanceOptions options = instance({.base_s = 1, .prefill_token_s = 0.1});
  options.max_batch_tokens = 16;
  options.max_sequences = 2;
  Requests requests;
  requests.add(0, 10, 3);
  requests.add(0, 20, 1);
  const std::vector<ServedRequest> served = by_row(serve(requests, {.instance = options}));
  // 10 + 6 tokens until 2.6 s; a decoding sequence and the other 14 tokens until 5 s; decoding until 6 s.
  EXPECT_DOUBLE_EQ(served[0].first_token_s, 2.6);
  EXPECT_DOUBLE_EQ(served[1].end_s, 5);
  EXPECT_DOUBLE_EQ(served[0].end_s, 6);

  options.chunked_prefill = false;
  const std::vector<ServedRequest> whole = by_row(serve(requests, {.instance = options}));
  // 10 tokens until 2 s; 20, which are more than fit, alone until 5 s; then decoding.
  EXPECT_DOUBLE_EQ(whole[0].first_token_s, 2);
  EXPECT_DOUBLE_EQ(whole[1].end_s, 5);
  EXPECT_DOUBLE_EQ(whole[0].end_s, 7);
}

// By hand: 1 s a sequence and 1 ms a token of context.
TEST(Serving, ContextsGrow) {
  Requests requests;
  requests.add(0, 100, 4);
  const ServingResult found =
      serve(requests, {.instance = instance({.decode_sequence_s = 1, .context_token_s = 1e-3})});
  EXPECT_DOUBLE_EQ(found.end_s, 3 * 1 + 1e-3 * (101 + 102 + 103));
  EXPECT_DOUBLE_EQ(found.tbt.min_s(), 1.101);
  EXPECT_DOUBLE_EQ(found.tbt.max_s(), 1.103);
  EXPECT_EQ(found.ttft.max_s(), 0);
  EXPECT_EQ(found.iterations, 4u);
}

// By hand: the cache holds 12 tokens, two prompts of 5 and their first tokens. The second is computed anew.
TEST(Serving, PreemptsTheYoungest) {
  InstanceOptions options = instance({.base_s = 1, .prefill_token_s = 0.125});
  options.kv_tokens = 12;
  Requests requests;
  requests.add(0, 5, 4);
  requests.add(0, 5, 4);
  const ServingResult found = serve(requests, {.instance = options});
  EXPECT_EQ(found.preemptions, 1u);
  // Prompts until 2.25, second tokens until 3.25; with a token more each, 14 are too many. The first goes on
  // alone until 5.25; then the other's 5 + 2 tokens are computed until 7.125, which makes its third, and its
  // last at 8.125.
  EXPECT_EQ(found.recomputed_tokens, 7u);
  const std::vector<ServedRequest> served = by_row(found);
  EXPECT_DOUBLE_EQ(served[0].end_s, 5.25);
  EXPECT_DOUBLE_EQ(served[1].end_s, 8.125);
  EXPECT_EQ(served[1].preemptions, 1u);
  EXPECT_DOUBLE_EQ(found.tbt.max_s(), 7.125 - 3.25);
}

TEST(Serving, RejectsWhatNeverFits) {
  InstanceOptions options = instance({.base_s = 1});
  options.kv_tokens = 10;
  Requests requests;
  requests.add(0, 8, 3);  // ends with 10 tokens in the cache
  requests.add(0, 8, 4);
  requests.add(0, 11, 1);
  requests.add(0, 0, 0);  // one token each
  const ServingResult found = serve(requests, {.instance = options});
  EXPECT_EQ(found.rejected, 2u);
  EXPECT_EQ(found.requests, 2u);
  EXPECT_EQ(found.peak_kv_tokens, 10u);
  EXPECT_EQ(found.input_tokens, 9u);
  EXPECT_EQ(found.output_tokens, 4u);
}

TEST(Serving, TurnsWaitForEachOtherInAClosedLoop) {
  const double nan = std::nan("");
  Requests requests;
  requests.add(0, 10, 1, 5, nan);
  requests.add(0.5, 10, 1, no_session, nan);
  requests.add(1, 10, 1, 5, 2);      // 2 s after the end of the first turn
  requests.add(1.5, 10, 1, 5, nan);  // at its own time, or when the second turn ends
  requests.add(nan, 10, 1, 5, 0);
  ServingOptions options{.instance = instance({.base_s = 1, .prefill_token_s = 0.1}), .closed_loop = true};
  const std::vector<ServedRequest> served = by_row(serve(requests, options));
  // 2 s each: the first until 2, the second then until 4. The session's next at 4, 6 and 8.
  const std::vector<double> arrivals{0, 0.5, 4, 6, 8};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_DOUBLE_EQ(served[i].arrival_s, arrivals[i]) << i;
    EXPECT_DOUBLE_EQ(served[i].end_s, 2.0 * static_cast<double>(i + 1)) << i;
  }
}

// Whatever the load, an open loop sends at the given times.
TEST(Serving, AClosedLoopWithoutSessionsIsAnOpenOne) {
  std::mt19937 random(6);
  for (const Routing routing : {Routing::round_robin, Routing::least_loaded}) {
    const Requests requests = random_requests(random, 300, 0.005);
    ServingOptions options{.instance = random_instance(random), .instances = 3, .routing = routing};
    const std::vector<ServedRequest> open = by_row(serve(requests, options));
    options.closed_loop = true;
    const std::vector<ServedRequest> closed = by_row(serve(requests, options));
    for (std::size_t i = 0; i < open.size(); ++i) {
      ASSERT_EQ(open[i].end_s, closed[i].end_s);
      ASSERT_EQ(open[i].instance, closed[i].instance);
    }
  }
}

TEST(Serving, PollsAndEndsWithWhatThePollThrows) {
  Requests requests;
  for (int i = 0; i < 50'000; ++i) requests.add(i * 1e-3, 1, 1);
  int polls = 0;
  ServingOptions options{.instance = instance({.base_s = 1e-3})};
  options.poll = [&] { ++polls; };
  (void)serve(requests, options);
  EXPECT_GE(polls, 3);
  options.poll = [] { throw std::runtime_error("enough"); };
  for (const bool closed_loop : {false, true}) {
    options.closed_loop = closed_loop;
    ServingSimulator simulator(options);
    EXPECT_THROW(simulator.add(requests.all()), std::runtime_error);
    EXPECT_THROW((void)simulator.finish(), std::invalid_argument);
  }
}

TEST(Serving, AfterAMoveItSaysSo) {
  ServingSimulator simulator({.instance = instance({.base_s = 1e-3})});
  ServingSimulator other = std::move(simulator);
  EXPECT_THROW((void)simulator.finish(), std::logic_error);  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW(simulator.add(ServingRequests{}), std::logic_error);
  EXPECT_EQ(other.finish().requests, 0u);
}

TEST(Serving, NamesWhatIsWrong) {
  const auto message = [](const std::function<void()>& wrong) -> std::string {
    try {
      wrong();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  const auto make = [](const std::function<void(ServingOptions&)>& change) {
    return [change] {
      ServingOptions options{.instance = instance({.base_s = 1})};
      change(options);
      ServingSimulator simulator(options);
    };
  };
  const auto expect = [&](const std::function<void()>& wrong, const std::string& says) {
    EXPECT_NE(message(wrong).find(says), std::string::npos) << message(wrong);
  };
  expect(make([](auto& o) { o.instance.cost = {}; }), "cost: all 0 is not allowed");
  expect(make([](auto& o) { o.instance.cost.base_s = -1; }),
         "base_s: -1 is not allowed; it must be from 0 to 1000 s");
  expect(make([](auto& o) { o.instance.cost.prefill_pair_s = std::nan(""); }), "prefill_pair_s: nan");
  expect(make([](auto& o) { o.instance.kv_tokens = 0; }), "kv_tokens: 0 is not allowed; it must be from 1");
  expect(make([](auto& o) { o.instance.max_sequences = 0; }), "max_sequences: 0");
  expect(make([](auto& o) { o.instance.max_batch_tokens = 99; }),
         "max_batch_tokens: 99 is not allowed; it must be from 100");
  expect(make([](auto& o) { o.instances = 0; }), "instances: 0");
  expect(make([](auto& o) { o.routing = Routing{77}; }), "routing: 77 is not allowed");
  const auto add = [&](double time, bool closed_loop = false) {
    return [time, closed_loop] {
      Requests requests;
      requests.add(1, 1, 1);
      requests.add(time, 1, 1);
      (void)serve(requests, {.instance = instance({.base_s = 1}), .closed_loop = closed_loop});
    };
  };
  expect(add(0.5), "timestamp: row 2 has 0.5 after 1, which is not allowed");
  expect(add(std::nan("")), "timestamp: row 2 has nan");
  expect(add(1e7), "timestamp: row 2 has 1e+07");
  expect(add(std::nan(""), true), "timestamp: row 2 has none");
  expect(
      [] {
        Requests requests;
        requests.add(0, 1000, 4'000'000);
        InstanceOptions options = instance({.base_s = 1000});
        options.kv_tokens = 10'000'000;
        (void)serve(requests, {.instance = options});
      },
      "the simulated time goes beyond 100 days");
  expect(
      [] {
        Requests requests;
        for (int i = 0; i < 20'000; ++i) requests.add(0, 1, 5);
        InstanceOptions options = instance({.context_token_s = 1000});
        options.max_sequences = options.max_batch_tokens = 100'000;
        options.kv_tokens = 10'000'000;
        (void)serve(requests, {.instance = options});
      },
      "the simulated time goes beyond 100 days");
}

}  // namespace
}  // namespace tracetide
