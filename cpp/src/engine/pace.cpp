#include "tracetide/pace.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <exception>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "base/alive.hpp"
#include "base/poller.hpp"
#include "engine/spsc_ring.hpp"
#include "engine/threads.hpp"

namespace tracetide {
namespace {

constexpr std::size_t most_ahead = 1024;
// How often the feeder looks for room when all is made; a batch lasts for much longer.
constexpr std::chrono::milliseconds feeder_interval{1};

double checked_speed(double speed) {
  if (!(speed > 0) || !std::isfinite(speed))
    throw std::invalid_argument("speed: " + std::to_string(speed) + " is not allowed; it must be above 0");
  return speed;
}

std::size_t checked_ahead(std::size_t ahead) {
  if (ahead < 1 || ahead > most_ahead) {
    throw std::invalid_argument("ahead: " + std::to_string(ahead) +
                                " is not allowed; it must be from 1 to 1024 batches");
  }
  return ahead;
}

}  // namespace

// The consumer's side and the feeder's meet in the two rings, in `stop` and in `ended`.
struct PacedStream::State {
  using Shared = std::shared_ptr<const Batch>;

  double speed;
  Stream stream;  // the feeder's
  SpscRing<Shared> made;
  SpscRing<Shared> done;  // to be let go of by the feeder, as that takes a lock
  std::exception_ptr failure{};
  std::atomic<bool> ended = false;  // nothing more goes into `made`; `failure` is set
  std::atomic<bool> stop = false;

  // The consumer's.
  Shared batch{};
  std::span<const double> times{};
  std::size_t row = 0;
  std::uint64_t starved = 0;

  std::thread feeder;

  State(const Job& job, const PaceOptions& options)
      : speed(checked_speed(options.speed)),
        stream(job, options.stream),
        made(checked_ahead(options.ahead)),
        done(options.ahead + 2),
        feeder(start_thread([this] { feed(); })) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    stop = true;
    feeder.join();
  }

  void feed() noexcept {
    try {
      while (Shared next = take()) {
        while (!made.push(next)) {
          if (stop) return;
          let_go();
          std::this_thread::sleep_for(feeder_interval);
        }
        let_go();
      }
    } catch (...) {
      failure = std::current_exception();
    }
    ended.store(true, std::memory_order_release);
  }

  // The next batch, or nothing at the end or when stopped.
  Shared take() {
    while (!stream.wait(poll_interval)) {
      if (stop) return nullptr;
    }
    return stop ? nullptr : stream.next_shared();
  }

  void let_go() noexcept {
    Shared old;
    while (done.pop(old)) old.reset();
  }

  // Whether there is a row to hand out; else there is none yet, or there will be none (`is_over`).
  bool has_row() {
    if (row < times.size()) return true;
    const bool was_last = ended.load(std::memory_order_acquire);
    Shared next;
    if (!made.pop(next)) {
      if (was_last && failure) std::rethrow_exception(failure);
      is_over = was_last;
      return false;
    }
    if (batch) (void)done.push(batch);
    batch = std::move(next);
    times = batch->timestamp();
    row = 0;
    return true;
  }

  bool is_over = false;
};

PacedStream::PacedStream(const Job& job, PaceOptions options)
    : state_(std::make_unique<State>(job, options)) {
  while (!state_->has_row() && !state_->is_over) {
    if (options.stream.poll) options.stream.poll();
    std::this_thread::sleep_for(feeder_interval);
  }
}

PacedStream::~PacedStream() = default;
PacedStream::PacedStream(PacedStream&&) noexcept = default;
PacedStream& PacedStream::operator=(PacedStream&&) noexcept = default;

DueRequests PacedStream::next_due(double now) {
  State& state = alive(state_, "PacedStream");
  if (!state.has_row()) {
    state.starved += state.is_over ? 0 : 1;
    return {};
  }
  const double until = now * state.speed;
  const std::size_t first = state.row;
  if (!(state.times[first] <= until)) return {state.batch.get(), first, first};
  // Few are due at a time: steps that double find the end without looking at the whole batch.
  std::size_t step = 1;
  std::size_t low = first;
  while (low + step < state.times.size() && state.times[low + step] <= until) {
    low += step;
    step *= 2;
  }
  const std::size_t high = std::min(low + step, state.times.size());
  const auto begin = state.times.begin();
  const auto end = std::upper_bound(begin + static_cast<std::ptrdiff_t>(low),
                                    begin + static_cast<std::ptrdiff_t>(high), until);
  state.row = static_cast<std::size_t>(end - begin);
  return {state.batch.get(), first, state.row};
}

std::shared_ptr<const Batch> PacedStream::shared_batch() const { return alive(state_, "PacedStream").batch; }

double PacedStream::next_time() {
  State& state = alive(state_, "PacedStream");
  if (state.has_row()) return state.times[state.row] / state.speed;
  return state.is_over ? std::numeric_limits<double>::infinity() : 0.0;
}

bool PacedStream::done() {
  State& state = alive(state_, "PacedStream");
  return !state.has_row() && state.is_over;
}

std::uint64_t PacedStream::starved() const { return alive(state_, "PacedStream").starved; }

}  // namespace tracetide
