#include "tracetide/stream.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "profile/builder.hpp"

namespace tracetide {
namespace {

// Two clients, one of them bursty, over windows of ten seconds.
Profile small_profile(double rate = 20) {
  ProfileBuilder builder(Category::language, {10'000'000'000, 6, 60'000'000'000, 1}, Counts::pinned, "{}");
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
      EXPECT_EQ(timestamps(job, {threads, batch_size, ""}), expected) << threads << " " << batch_size;
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
}

}  // namespace
}  // namespace tracetide
