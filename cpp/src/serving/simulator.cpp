#include <algorithm>
#include <cmath>
#include <deque>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/alive.hpp"
#include "base/message.hpp"
#include "base/poller.hpp"
#include "serving/closed_loop.hpp"
#include "serving/instance.hpp"
#include "serving/min_tree.hpp"
#include "serving/recorder.hpp"
#include "serving/request_pool.hpp"
#include "serving/step_cost.hpp"
#include "tracetide/serving.hpp"

namespace tracetide {
namespace {

constexpr std::uint32_t most_instances = 65536;
constexpr std::uint64_t most_kv_tokens = 1'000'000'000'000;
constexpr std::uint64_t poll_steps_per_step = 4;  // a Poller looks up after 2^16
constexpr std::size_t least_waiting = 4096;

// Of one step: each has a prompt token at least, and the first is admitted however long.
std::size_t most_admitted(const InstanceOptions& options) noexcept {
  return std::min<std::size_t>(options.max_sequences, options.max_batch_tokens) + 1;
}

void check_range(const char* name, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
  if (value < low || value > high) {
    throw std::invalid_argument(std::string(name) + ": " + std::to_string(value) +
                                " is not allowed; it must be from " + std::to_string(low) + " to " +
                                std::to_string(high));
  }
}

ServingOptions checked(ServingOptions options) {
  constexpr std::uint32_t most = 0xFFFFFFFF;
  check_range("kv_tokens", options.instance.kv_tokens, 1, most_kv_tokens);
  check_range("max_sequences", options.instance.max_sequences, 1, most);
  const std::uint32_t fewest = options.instance.chunked_prefill ? options.instance.max_sequences : 1;
  check_range("max_batch_tokens", options.instance.max_batch_tokens, fewest, most);
  check_range("instances", options.instances, 1, most_instances);
  if (options.routing != Routing::round_robin && options.routing != Routing::least_loaded) {
    throw std::invalid_argument("routing: " + std::to_string(static_cast<int>(options.routing)) +
                                " is not allowed; it must be one of the enumerators");
  }
  return options;
}

Picoseconds checked_time(const char* name, double value, std::uint64_t row) {
  if (!(value >= 0 && value <= seconds(last_time))) {
    throw std::invalid_argument(std::string(name) + ": row " + std::to_string(row + 1) + " has " +
                                number_text(value) +
                                ", which is not allowed; it must be from 0 to 8640000 s");
  }
  return std::llround(value * 1e9) * picoseconds_per_nanosecond;
}

void check_length(const char* name, std::size_t length, std::size_t rows) {
  if (length != rows) {
    throw std::invalid_argument(std::string(name) + ": " + std::to_string(length) +
                                " values are not allowed; there are " + std::to_string(rows) + " timestamps");
  }
}

}  // namespace

struct ServingSimulator::State {
  ServingOptions options;
  StepCost cost;
  RequestPool requests{};
  Recorder recorder;
  std::deque<Instance> instances{};
  // Round robin in an open loop does not ask how the instances are doing, so each goes on by itself.
  bool in_step;
  MinTree<Picoseconds> wakes;
  MinTree<std::uint64_t> loads;
  ClosedLoop loop{};
  std::uint64_t rows = 0;
  std::uint64_t routed = 0;
  Picoseconds last_timestamp = 0;
  Poller poller;
  bool is_closed = false;  // after finish, or after an error
  std::size_t most_waiting;

  explicit State(ServingOptions given)
      : options(checked(std::move(given))),
        cost(options.instance.cost),
        recorder(options.keep_requests, options.closed_loop),
        in_step(options.closed_loop || options.routing == Routing::least_loaded),
        wakes(options.instances, never),
        loads(options.instances, 0),
        poller(options.poll),
        most_waiting(std::max(least_waiting, most_admitted(options.instance))) {
    for (std::uint32_t number = 0; number < options.instances; ++number)
      instances.emplace_back(number, options.instance, cost, requests, recorder);
  }

  // After every piece of work.
  void poll() { poller.did(poll_steps_per_step); }

  void step(Instance& instance) {
    instance.step();
    poll();
  }

  void step(std::size_t at) {
    Instance& instance = instances[at];
    step(instance);
    wakes.set(at, instance.wake());
    if (options.routing == Routing::least_loaded) loads.set(at, instance.unfinished());
  }

  void advance_all(Picoseconds until) {
    while (wakes.min() <= until) step(wakes.argmin());
  }

  void advance(Instance& instance, Picoseconds until) {
    while (instance.wake() <= until) step(instance);
  }

  // An instance that is slower than its requests come would keep all of them. What comes now is behind those
  // that wait, of which a step admits a part, so that it can go on beyond the present.
  void catch_up(Instance& instance) {
    if (options.keep_requests) return;  // which are told in the order of their ends as far as is known
    while (instance.waiting() > most_waiting) step(instance);
  }

  std::size_t route() {
    if (options.routing == Routing::least_loaded) return loads.argmin();
    return static_cast<std::size_t>(routed++ % options.instances);
  }

  void send(std::uint64_t number, std::uint32_t input, std::uint32_t output, Picoseconds now) {
    LiveRequest request{
        .number = number, .input = std::max(input, 1U), .output = std::max(output, 1U), .arrival = now};
    const std::uint64_t needs = std::uint64_t{request.input} + request.output - 1;
    if (needs > options.instance.kv_tokens) return recorder.rejected(request);
    const std::size_t at = route();
    if (!in_step) advance(instances[at], now);
    instances[at].enqueue(requests.add(request), now);
    if (!in_step) return catch_up(instances[at]);
    wakes.set(at, instances[at].wake());
    if (options.routing == Routing::least_loaded) loads.set(at, instances[at].unfinished());
  }

  void add(const ServingRequests& batch) {
    if (is_closed) throw std::invalid_argument("add: not allowed after finish, or after an error");
    is_closed = true;  // unless all goes well
    const std::size_t count = batch.timestamp.size();
    check_length("input_tokens", batch.input_tokens.size(), count);
    check_length("output_tokens", batch.output_tokens.size(), count);
    if (!batch.session_id.empty()) check_length("session_id", batch.session_id.size(), count);
    if (!batch.delay.empty()) check_length("delay", batch.delay.size(), count);
    for (std::size_t i = 0; i < count; ++i, ++rows) {
      if (options.closed_loop) {
        loop.add(row_of(batch, i));
        poll();
        continue;
      }
      const Picoseconds now = time_of(batch.timestamp[i]);
      if (in_step) advance_all(now);
      send(rows, batch.input_tokens[i], batch.output_tokens[i], now);
    }
    is_closed = false;
  }

  Picoseconds time_of(double timestamp) {
    const Picoseconds time = checked_time("timestamp", timestamp, rows);
    if (time < last_timestamp) {
      throw std::invalid_argument("timestamp: row " + std::to_string(rows + 1) + " has " +
                                  number_text(timestamp) + " after " + number_text(seconds(last_timestamp)) +
                                  ", which is not allowed; times must ascend");
    }
    return last_timestamp = time;
  }

  ClosedLoop::Row row_of(const ServingRequests& batch, std::size_t i) {
    const double delay = batch.delay.empty() ? std::nan("") : batch.delay[i];
    return {.input = batch.input_tokens[i],
            .output = batch.output_tokens[i],
            .time = std::isnan(batch.timestamp[i]) ? never : time_of(batch.timestamp[i]),
            .delay = std::isnan(delay) ? never : checked_time("delay", delay, rows),
            .session = batch.session_id.empty() ? no_session : batch.session_id[i]};
  }

  void tell_ends() {
    for (const Recorder::End& end : recorder.ends()) loop.ended(end.number, end.time);
    recorder.ends().clear();
  }

  void run_loop() {
    loop.start([this] { poll(); });
    for (;;) {
      const Picoseconds next = loop.next_time();
      if (wakes.min() <= next && wakes.min() != never) {
        step(wakes.argmin());
      } else if (next != never) {
        const ClosedLoop::Sent sent = loop.next();
        const ClosedLoop::Row& row = loop[sent.row];
        send(sent.row, row.input, row.output, sent.time);
      } else {
        return;
      }
      tell_ends();
    }
  }

  ServingResult finish() {
    if (is_closed) throw std::invalid_argument("finish: not allowed after finish, or after an error");
    is_closed = true;
    if (options.closed_loop) {
      run_loop();
    } else if (in_step) {
      advance_all(never - 1);
    } else {
      for (Instance& instance : instances) advance(instance, never - 1);
    }
    return recorder.take();
  }
};

ServingSimulator::ServingSimulator(ServingOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}
ServingSimulator::~ServingSimulator() = default;
ServingSimulator::ServingSimulator(ServingSimulator&&) noexcept = default;
ServingSimulator& ServingSimulator::operator=(ServingSimulator&&) noexcept = default;

void ServingSimulator::add(const ServingRequests& requests) {
  alive(state_, "ServingSimulator").add(requests);
}

void ServingSimulator::add(const Batch& batch) {
  alive(state_, "ServingSimulator")
      .add({.timestamp = batch.timestamp(),
            .input_tokens = batch.input_tokens(),
            .output_tokens = batch.output_tokens(),
            .session_id = batch.session_id(),
            .delay = batch.delay()});
}

ServingResult ServingSimulator::finish() { return alive(state_, "ServingSimulator").finish(); }

}  // namespace tracetide
