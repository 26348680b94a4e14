// A program with consumer threads of its own: batches are handed to them, and let go of when they are done.
//
//   consumer_threads PROFILE.tide
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <mutex>
#include <queue>
#include <thread>
#include <tracetide/tracetide.hpp>
#include <vector>

namespace {

// Batches between the thread that takes them from the stream and those that work on them.
class Batches {
 public:
  void put(std::shared_ptr<const tracetide::Batch> batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.size() < most; });
    waiting_.push(std::move(batch));
    changed_.notify_all();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  std::shared_ptr<const tracetide::Batch> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
    if (waiting_.empty()) return nullptr;
    auto batch = std::move(waiting_.front());
    waiting_.pop();
    changed_.notify_all();
    return batch;
  }

 private:
  static constexpr std::size_t most = 4;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::queue<std::shared_ptr<const tracetide::Batch>> waiting_;
  bool ended_ = false;
};

struct Sums {
  std::uint64_t requests = 0;
  std::uint64_t input = 0;
  std::uint64_t output = 0;
};

void work(Batches& batches, Sums& sums) {
  while (const auto batch = batches.take()) {
    sums.requests += batch->size();
    for (const std::uint32_t tokens : batch->input_tokens()) sums.input += tokens;
    for (const std::uint32_t tokens : batch->output_tokens()) sums.output += tokens;
  }
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 2) {
    std::fprintf(stderr, "usage: %s PROFILE.tide\n", arguments[0]);
    return 2;
  }
  const tracetide::Job job{tracetide::Profile::open(arguments[1]), {.rate = 1000.0, .duration = 3600.0}};
  tracetide::Stream stream{job};
  Batches batches;
  std::vector<Sums> sums(3);
  std::vector<std::thread> threads;
  threads.reserve(sums.size());
  for (Sums& own : sums) threads.emplace_back(work, std::ref(batches), std::ref(own));
  while (auto batch = stream.next_shared()) batches.put(std::move(batch));
  batches.end();
  for (std::thread& thread : threads) thread.join();

  Sums all;
  for (const Sums& own : sums) {
    all.requests += own.requests;
    all.input += own.input;
    all.output += own.output;
  }
  std::printf("%llu requests, %llu input and %llu output tokens\n",
              static_cast<unsigned long long>(all.requests), static_cast<unsigned long long>(all.input),
              static_cast<unsigned long long>(all.output));
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
