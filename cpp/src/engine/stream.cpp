#include "tracetide/stream.hpp"

#include <algorithm>

#include "engine/columns.hpp"
#include "engine/pipeline.hpp"

namespace tracetide {
namespace {

constexpr std::size_t largest_batch = std::size_t{1} << 30;

}  // namespace

struct Stream::State {
  Pipeline pipeline;
  std::size_t batch_size;
  Category category;
  std::uint64_t delivered = 0;        // requests
  std::shared_ptr<Batch> source;      // what is left of it goes into the next batch of a fixed size
  std::size_t taken = 0;              // rows of `source` that have been delivered
  std::shared_ptr<const Batch> held;  // by next()

  State(const Job& job, const StreamOptions& options)
      : pipeline(job, options.threads, kernels_for(options.kernels)),
        batch_size(options.batch_size),
        category(job.profile().category()) {}

  std::shared_ptr<const Batch> next() {
    std::shared_ptr<Batch> batch = batch_size == 0 ? next_made() : next_of_size();
    if (!batch) return nullptr;
    batch->reset(category, delivered);
    delivered += batch->size();
    return batch;
  }

  std::shared_ptr<Batch> next_made() {
    std::optional<Made> made = pipeline.next();
    return made ? std::move(made->batch) : nullptr;
  }

  std::shared_ptr<Batch> next_of_size() {
    std::shared_ptr<Batch> batch;
    std::size_t rows = 0;
    while (rows < batch_size) {
      if (!source) {
        source = next_made();
        taken = 0;
        if (!source) break;
      }
      if (!batch) batch = pipeline.take_batch();
      const std::size_t n = std::min(batch_size - rows, source->size() - taken);
      append_rows(batch->columns(), source->columns(), taken, n);
      rows += n;
      taken += n;
      if (taken == source->size()) source.reset();
    }
    return batch;
  }
};

Stream::Stream(const Job& job, StreamOptions options) {
  if (options.batch_size > largest_batch) {
    throw std::invalid_argument("batch_size: " + std::to_string(options.batch_size) +
                                " is not allowed; it must be a number of rows up to 2^30, or 0");
  }
  if (options.threads > 1024) {
    throw std::invalid_argument("threads: " + std::to_string(options.threads) +
                                " is not allowed; it must be 0 (all cores) to 1024");
  }
  state_ = std::make_unique<State>(job, options);
}

Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

const Batch* Stream::next() {
  state_->held = state_->next();
  return state_->held.get();
}

std::shared_ptr<const Batch> Stream::next_shared() { return state_->next(); }

bool Stream::wait(std::chrono::milliseconds timeout) {
  return state_->source != nullptr || state_->pipeline.wait(timeout);
}

}  // namespace tracetide
