#include "tracetide/stream.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/pipeline.hpp"
#include "profile/builder.hpp"

namespace tracetide {
namespace {

// Two clients, one of them bursty, over windows of ten seconds.
Profile small_profile(double rate = 20) {
  ImageBuilder builder(Category::language, {10'000'000'000, 6, 60'000'000'000, 1}, Counts::pinned, "{}");
  const std::vector<std::uint32_t> values{1, 5, 100};
  const std::vector<double> probabilities{0.5, 0.25, 0.25};
  const std::uint32_t lengths = builder.add_integer_pmf(values, probabilities);
  for (const double shape : {0.3, 4.0}) {
    const std::uint32_t client = builder.add_client("client " + std::to_string(shape));
    for (std::uint32_t window = 0; window < 6; ++window) {
      builder.add_cell(client, window, {rate, shape, 1 / std::sqrt(shape), Family::gamma});
    }
    for (std::uint32_t field = 0; field < 2; ++field) builder.set_field(0, client, field, lengths);
  }
  return Profile::from_image(builder.image());
}

std::vector<double> timestamps(const Job& job, StreamOptions options) {
  std::vector<double> all;
  Stream stream(job, options);
  while (const Batch* batch = stream.next()) {
    EXPECT_EQ(batch->first_request(), all.size());
    all.insert(all.end(), batch->timestamp().begin(), batch->timestamp().end());
  }
  EXPECT_EQ(stream.next(), nullptr);
  return all;
}

TEST(Stream, TheSameForAnyThreadsAndBatchSize) {
  const Job job(small_profile(), {.duration = 600.0, .seed = 5});
  const std::vector<double> expected = timestamps(job, {.threads = 1});
  EXPECT_EQ(expected.size(), 24000u);
  EXPECT_TRUE(std::is_sorted(expected.begin(), expected.end()));
  for (const unsigned threads : {1u, 2u, 5u}) {
    for (const std::size_t batch_size :
         {std::size_t{0}, std::size_t{1}, std::size_t{999}, std::size_t{1000000}}) {
      EXPECT_EQ(timestamps(job, {threads, batch_size}), expected) << threads << " " << batch_size;
    }
  }
}

// More requests in a window than are made at once: slices, planned by several threads.
TEST(Stream, LargeWindowsAreTheSameForAnyThreads) {
  const Job job(small_profile(), {.rate = 500000.0, .duration = 10.0});
  ASSERT_EQ(job.count(), 5'000'000u);
  const std::vector<double> expected = timestamps(job, {.threads = 1});
  ASSERT_EQ(expected.size(), 5'000'000u);
  EXPECT_TRUE(std::is_sorted(expected.begin(), expected.end()));
  EXPECT_EQ(timestamps(job, {.threads = 3}), expected);
}

// A shard is the same requests as in the whole, with their numbers, and no window before it is made.
TEST(Stream, OfSomeWindowsIsThatPartOfTheWhole) {
  const Job job(small_profile(), {.duration = 600.0, .seed = 5});
  const std::vector<double> whole = timestamps(job, {.threads = 2});
  const auto counts = job.window_counts();
  ASSERT_TRUE(counts.has_value());
  ASSERT_EQ(counts->size(), job.windows());
  ASSERT_EQ(std::accumulate(counts->begin(), counts->end(), std::uint64_t{0}), whole.size());
  std::uint64_t before = 0;
  for (std::uint64_t k = 0; k < job.windows(); ++k) {
    const auto at = static_cast<std::ptrdiff_t>(before);
    const std::vector<double> expected(whole.begin() + at,
                                       whole.begin() + at + static_cast<std::ptrdiff_t>((*counts)[k]));
    EXPECT_EQ(timestamps(job, {.first_window = k, .last_window = k + 1}), expected) << k;
    Stream stream(job, {.first_window = k, .last_window = k + 1, .first_request = before});
    const Batch* batch = stream.next();
    ASSERT_NE(batch, nullptr);
    EXPECT_EQ(batch->first_request(), before);
    before += (*counts)[k];
  }
  double expected = 0;
  for (const double one : job.window_expected()) expected += one;
  EXPECT_NEAR(expected, job.expected(), 1e-9 * job.expected());
}

TEST(Stream, CanBeLeftBeforeItsEnd) {
  const Job job(small_profile(), {.duration = 1e6});
  Stream stream(job, {.threads = 2, .batch_size = 10});
  ASSERT_NE(stream.next(), nullptr);
}

TEST(Stream, BatchesOutliveTheStream) {
  std::shared_ptr<const Batch> batch;
  {
    Stream stream(Job(small_profile(), {}));
    batch = stream.next_shared();
  }
  ASSERT_NE(batch, nullptr);
  EXPECT_GT(batch->size(), 0u);
}

// What fails is the sixth task, and those before it end after it.
TEST(Pipeline, AllBeforeAFailureIsDelivered) {
  const double task_s = 1024 * 10.0;
  const Job job(small_profile(0.05), {.duration = 10 * task_s});
  const Finish finish = [&](Made& made) {
    if (made.batch->timestamp()[0] >= 5 * task_s) throw std::domain_error("the sixth");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  };
  std::vector<double> expected;
  for (const double time : timestamps(job, {.threads = 1})) {
    if (time < 5 * task_s) expected.push_back(time);
  }
  for (const unsigned threads : {1u, 2u, 8u}) {
    Pipeline pipeline(job, threads, kernels_for(), finish);
    std::vector<double> found;
    const auto take_all = [&] {
      while (const std::optional<Made> made = pipeline.next()) {
        const auto times = made->batch->timestamp();
        found.insert(found.end(), times.begin(), times.end());
      }
    };
    EXPECT_THROW(take_all(), std::domain_error) << threads;
    EXPECT_EQ(found, expected) << threads;
    EXPECT_THROW(take_all(), std::domain_error) << "again";
  }
}

struct Interrupted {};

// A poll that throws when it has been called some times.
Poll throws_after(int calls) {
  return [left = calls]() mutable {
    if (left-- == 0) throw Interrupted{};
  };
}

TEST(Poll, EndsWhatTakesLong) {
  const Job job(small_profile(), {.rate = 1e4, .duration = 1e6});  // 10^10 requests
  EXPECT_THROW(
      (void)Stream(job, {.threads = 2, .batch_size = std::size_t{1} << 30, .poll = throws_after(3)}).next(),
      Interrupted);
  // What comes before is made to number hash ids.
  const Job numbered(small_profile(), {.rate = 1e4, .duration = 1e6, .block_size = 512});
  const StreamOptions last{.threads = 1, .first_window = numbered.windows() - 1, .poll = throws_after(3)};
  EXPECT_THROW((void)Stream(numbered, last), Interrupted);
  const Job many(small_profile(), {.span_end = 0.01, .duration = 1e4});  // 10^6 windows
  EXPECT_THROW((void)many.count(throws_after(1)), Interrupted);
  EXPECT_THROW((void)many.window_counts(throws_after(1)), Interrupted);
  EXPECT_THROW((void)many.window_expected(throws_after(1)), Interrupted);
  EXPECT_THROW((void)Job(small_profile(), {.span_end = 0.01, .duration = 1e4}, throws_after(1)), Interrupted);
}

TEST(Stream, AfterAMoveItSaysSo) {
  Stream stream(Job(small_profile(), {}), {.batch_size = 10});
  Stream other = std::move(stream);
  EXPECT_NE(other.next(), nullptr);
  EXPECT_THROW((void)stream.next(), std::logic_error);  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW((void)stream.next_shared(), std::logic_error);
  EXPECT_THROW((void)stream.wait(std::chrono::milliseconds(1)), std::logic_error);
  stream = std::move(other);
  EXPECT_NE(stream.next(), nullptr);
}

TEST(Job, StaysWhatItIsWhenItIsMoved) {
  Profile profile = small_profile();
  const Profile same_profile = std::move(profile);
  EXPECT_EQ(profile.clients(), 2u);  // NOLINT(bugprone-use-after-move)
  Job job(same_profile, {});
  const Job same = std::move(job);
  EXPECT_EQ(job.windows(), same.windows());  // NOLINT(bugprone-use-after-move)
}

TEST(Job, WrongOptionsAreNamed) {
  const auto message = [](JobOptions options) -> std::string {
    try {
      Job job(small_profile(), std::move(options));
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_NE(message({.rate = 0.0}).find("rate: 0"), std::string::npos);
  EXPECT_NE(message({.rate = NAN}).find("rate: nan"), std::string::npos);
  EXPECT_NE(message({.duration = 0.0}).find("duration: 0"), std::string::npos);
  EXPECT_NE(message({.span_start = 60.0}).find("span_start: 60"), std::string::npos);
  EXPECT_NE(message({.rate = 1.0, .scale = 2.0}).find("at most one of them"), std::string::npos);
  EXPECT_NE(message({.rate_steps = {0.0}}).find("no requests"), std::string::npos);
  EXPECT_NE(message({.counts = Counts{77}}).find("counts: 77"), std::string::npos);
  EXPECT_NE(message({.coupling = Coupling{77}}).find("coupling: 77"), std::string::npos);
  EXPECT_NE(message({.missing = Missing{77}}).find("missing: 77"), std::string::npos);
  EXPECT_NE(message({.coupling = Coupling::copula, .correlations = {{.a = Field{77}, .spearman = 0.5}}})
                .find("field: 77"),
            std::string::npos);
}

}  // namespace
}  // namespace tracetide
