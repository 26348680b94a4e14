#include "tracetide/stream.hpp"

#include <algorithm>

#include "base/access.hpp"
#include "base/alive.hpp"
#include "engine/columns.hpp"
#include "engine/list_weights.hpp"
#include "engine/pipeline.hpp"

namespace tracetide {
namespace {

constexpr std::size_t largest_batch = std::size_t{1} << 30;
constexpr std::uint64_t fewest_task_rows = std::uint64_t{1} << 14;

// Batches of a fixed size are cut from what is made, so that small ones need no large pieces.
std::uint64_t task_rows(std::size_t batch_size) noexcept {
  if (batch_size == 0) return usual_task_rows;
  return std::clamp<std::uint64_t>(4 * batch_size, fewest_task_rows, usual_task_rows);
}

}  // namespace

struct Stream::State {
  Pipeline pipeline;
  std::size_t batch_size;
  Category category;
  OptionalColumns optional;
  std::uint64_t delivered;         // requests, and those before the stream's first
  std::shared_ptr<Batch> source;   // what is left of it goes into the next batch of a fixed size
  std::size_t taken = 0;           // rows of `source` that have been delivered
  std::shared_ptr<Batch> partial;  // of a fixed size, being filled
  bool ended = false;
  bool failed = false;                // what comes after `partial`
  std::shared_ptr<const Batch> held;  // by next()

  State(const Job& job, const StreamOptions& options)
      : pipeline(job, options.threads, kernels_for(options.kernels), {},
                 {options.first_window, options.last_window.value_or(job.windows())}, options.poll,
                 task_rows(options.batch_size)),
        batch_size(options.batch_size),
        category(job.profile().category()),
        optional(job.optional_columns()),
        delivered(options.first_request) {}

  std::shared_ptr<const Batch> next() {
    std::shared_ptr<Batch> batch;
    if (batch_size == 0) {
      batch = next_made();
    } else {
      while (!fill()) source = next_made();
      batch = std::move(partial);
      partial.reset();
    }
    if (!batch) return nullptr;
    Access::reset(*batch, category, delivered, optional);
    delivered += batch->size();
    return batch;
  }

  bool wait(std::chrono::milliseconds timeout) {
    if (batch_size == 0) return pipeline.wait(timeout);
    while (!fill()) {
      if (!pipeline.wait(timeout)) return false;
      source = next_made();
    }
    return true;
  }

  std::shared_ptr<Batch> next_made() {
    taken = 0;
    pipeline.wait();
    try {
      std::optional<Made> made = pipeline.take();
      ended = !made;
      return made ? std::move(made->batch) : nullptr;
    } catch (...) {
      if (!partial) throw;
      failed = true;  // it is thrown again after the rows that are there
      return nullptr;
    }
  }

  // Moves rows from `source` on; true when the batch is whole or nothing follows.
  bool fill() {
    if (source && !is_whole()) {
      if (!partial) partial = pipeline.take_batch();
      const std::size_t n = rows_that_fit();
      append_rows(Access::columns(*partial), Access::columns(*source), taken, n);
      taken += n;
      if (taken == source->size()) source.reset();
    }
    return ended || is_whole() || (partial && failed);
  }

  [[nodiscard]] bool is_whole() const noexcept {
    return partial && (partial->size() == batch_size || values_of(*partial) >= most_batch_values);
  }

  [[nodiscard]] static std::size_t values_of(const Batch& batch) noexcept {
    return list_values(Access::columns(batch), 0, batch.size());
  }

  // Rows of `source` that go into `partial`: up to the one with which it is whole.
  [[nodiscard]] std::size_t rows_that_fit() const noexcept {
    const std::size_t n = std::min(batch_size - partial->size(), source->size() - taken);
    const std::size_t room = most_batch_values - values_of(*partial);
    if (list_values(Access::columns(*source), taken, n) < room) return n;
    std::size_t low = 0;  // rows that leave room
    std::size_t high = n;
    while (low + 1 < high) {
      const std::size_t middle = low + (high - low) / 2;
      (list_values(Access::columns(*source), taken, middle) < room ? low : high) = middle;
    }
    return high;
  }
};

Stream::Stream(const Job& job, StreamOptions options) {
  if (options.batch_size > largest_batch) {
    throw std::invalid_argument("batch_size: " + std::to_string(options.batch_size) +
                                " is not allowed; it must be a number of rows up to 2^30, or 0");
  }
  state_ = std::make_unique<State>(job, options);
}

Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

const Batch* Stream::next() {
  State& state = alive(state_, "Stream");
  state.held = state.next();
  return state.held.get();
}

std::shared_ptr<const Batch> Stream::next_shared() { return alive(state_, "Stream").next(); }

bool Stream::wait(std::chrono::milliseconds timeout) { return alive(state_, "Stream").wait(timeout); }

}  // namespace tracetide
