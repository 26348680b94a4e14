#include "tracetide/pace.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/spsc_ring.hpp"
#include "profile/builder.hpp"

namespace tracetide {
namespace {

Profile small_profile(double rate = 50, std::uint32_t longest = 2) {
  ImageBuilder builder(Category::language, {10'000'000'000, 6, 60'000'000'000, 1}, Counts::pinned, "{}");
  const std::vector<std::uint32_t> values{1, longest};
  const std::vector<double> probabilities{0.5, 0.5};
  const std::uint32_t lengths = builder.add_integer_pmf(values, probabilities);
  const std::uint32_t client = builder.add_client("one");
  for (std::uint32_t window = 0; window < 6; ++window)
    builder.add_cell(client, window, {rate, 1, 1, Family::exponential});
  for (std::uint32_t field = 0; field < 2; ++field) builder.set_field(0, client, field, lengths);
  return Profile::from_image(builder.image());
}

std::vector<double> all_times(const Job& job) {
  std::vector<double> times;
  Stream stream(job);
  while (const Batch* batch = stream.next())
    times.insert(times.end(), batch->timestamp().begin(), batch->timestamp().end());
  return times;
}

TEST(SpscRing, KeepsOrderBetweenTwoThreads) {
  constexpr int count = 200'000;
  SpscRing<int> ring(7);
  std::thread producer([&] {
    for (int i = 0; i < count;) {
      int value = i;
      if (ring.push(value)) ++i;
    }
  });
  for (int expected = 0; expected < count;) {
    int value = -1;
    if (!ring.pop(value)) continue;
    ASSERT_EQ(value, expected);
    ++expected;
  }
  producer.join();
  int value = 0;
  EXPECT_FALSE(ring.pop(value));
}

TEST(SpscRing, IsFullAndEmpty) {
  SpscRing<int> ring(2);
  int value = 1;
  EXPECT_TRUE(ring.push(value));
  EXPECT_TRUE(ring.push(value));
  EXPECT_FALSE(ring.push(value));
  EXPECT_TRUE(ring.pop(value));
  EXPECT_TRUE(ring.push(value));
}

// The clock is the test's: every request comes when its time has come, once and in order.
TEST(PacedStream, HandsOutWhatIsDue) {
  const Job job(small_profile(), {.duration = 600.0, .seed = 3});
  const std::vector<double> expected = all_times(job);
  for (const double speed : {1.0, 7.5}) {
    PacedStream stream(job, {.speed = speed, .stream = {.threads = 2, .batch_size = 100}});
    std::vector<double> found;
    for (int tick = 0; found.size() < expected.size(); ++tick) {
      const double now = 0.37 * tick;
      ASSERT_LT(now, 700.0);
      while (found.size() < expected.size() && expected[found.size()] <= now * speed) {
        const DueRequests due = stream.next_due(now);
        for (std::size_t row = due.first; row < due.last; ++row) {
          found.push_back(due.batch->timestamp()[row]);
          ASSERT_LE(found.back(), now * speed);
        }
      }
      EXPECT_TRUE(stream.next_due(now).empty());
      const double next = stream.next_time();
      if (found.size() < expected.size() && next != 0) {
        EXPECT_DOUBLE_EQ(next, expected[found.size()] / speed);
      }
    }
    EXPECT_EQ(found, expected);
    while (!stream.done()) std::this_thread::yield();
    EXPECT_EQ(stream.next_time(), std::numeric_limits<double>::infinity());
    EXPECT_TRUE(stream.next_due(1e9).empty());
  }
}

TEST(PacedStream, ABatchOutlivesTheNextCallWhenItIsKept) {
  const Job job(small_profile(), {.duration = 600.0, .seed = 3});
  PacedStream stream(job, {.stream = {.batch_size = 10}});
  const DueRequests due = stream.next_due(1e6);
  ASSERT_EQ(due.size(), 10u);
  const std::shared_ptr<const Batch> kept = stream.shared_batch();
  const double first = kept->timestamp()[0];
  for (int i = 0; i < 1000;) i += stream.next_due(1e6).empty() ? 0 : 1;
  EXPECT_EQ(kept->timestamp()[0], first);
}

TEST(PacedStream, AfterAMoveItSaysSo) {
  PacedStream stream(Job(small_profile(), {}));
  const PacedStream other = std::move(stream);
  EXPECT_THROW((void)stream.next_due(1), std::logic_error);  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW((void)stream.next_time(), std::logic_error);
  EXPECT_THROW((void)stream.done(), std::logic_error);
  EXPECT_THROW((void)stream.shared_batch(), std::logic_error);
  EXPECT_THROW((void)stream.starved(), std::logic_error);
}

// The first requests of what begins late take long.
TEST(PacedStream, APollEndsTheWaitForTheFirstRequests) {
  const Job job(small_profile(5e5), {.duration = 86400.0});
  const StreamOptions options{.threads = 1, .batch_size = std::size_t{1} << 30, .poll = [] { throw 7; }};
  EXPECT_THROW(PacedStream(job, {.stream = options}), int);
}

TEST(PacedStream, CanBeLeftEarly) {
  const Job job(small_profile(5000), {.duration = 86400.0});
  for (int i = 0; i < 5; ++i) {
    PacedStream stream(job);
    EXPECT_FALSE(stream.done());
  }
}

TEST(PacedStream, ErrorsAreThrownWhereRequestsAreTaken) {
  const Job job(small_profile(50, 1'000'000), {.duration = 600.0, .block_size = 1});
  const auto take_all = [&] {
    PacedStream stream(job);
    while (!stream.done()) (void)stream.next_due(1e9);
  };
  EXPECT_THROW(take_all(), std::invalid_argument);
}

TEST(PacedStream, WrongOptionsAreRefused) {
  const Job job(small_profile());
  for (const double speed : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_THROW(PacedStream(job, {.speed = speed}), std::invalid_argument) << speed;
  EXPECT_THROW(PacedStream(job, {.ahead = 0}), std::invalid_argument);
  EXPECT_THROW(PacedStream(job, {.ahead = 1025}), std::invalid_argument);
}

}  // namespace
}  // namespace tracetide
