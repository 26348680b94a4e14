// Every allocation of what a program does with the library fails once, and in another run with all that come
// after it: each time std::bad_alloc or an error code reaches the caller, from whatever thread, nothing leaks
// and nothing hangs; or the library can do without, and the requests are the same.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "failing_new.hpp"
#include "kernels/kernels.hpp"
#include "profile/servegen_files.hpp"
#include "temporary_folder.hpp"
#include "tracetide/tracetide.hpp"
#include "writers/text_stream.hpp"

namespace tracetide {
namespace {

namespace fs = std::filesystem;
using failing_new::Failure;

fs::path corpus() { return TRACETIDE_CORPUS; }

// Of everything that a run has given, in order.
class Digest {
 public:
  template <class Values>
  void add(const Values& values) noexcept {
    for (const auto value : values)
      state_ = (state_ ^ std::hash<std::remove_const_t<decltype(value)>>{}(value)) * 0x100000001B3u;
  }
  void add(const Batch& batch) noexcept {
    add(batch.timestamp());
    add(batch.input_tokens());
    add(batch.image_tokens().values);
    add(batch.session_id());
    add(batch.hash_ids().values);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325u;
};

using Run = std::function<std::uint64_t()>;

std::optional<std::uint64_t> run_with_failure(const Run& run, std::uint64_t n, Failure failure) {
  failing_new::fail_at(n, failure);
  try {
    const std::uint64_t digest = run();
    failing_new::clear();
    return digest;
  } catch (const std::bad_alloc&) {
    failing_new::clear();
    return std::nullopt;
  } catch (...) {
    failing_new::clear();
    throw;
  }
}

// With every `step`-th allocation.
void expect_failures_told(const Run& run, Failure failure, std::uint64_t step = 1) {
  const std::uint64_t expected = run();  // also makes what is made once a process
  std::uint64_t told = 0;
  for (std::uint64_t n = 1;; n += step) {
    const std::int64_t before = failing_new::alive();
    const std::optional<std::uint64_t> digest = run_with_failure(run, n, failure);
    ASSERT_EQ(failing_new::alive(), before) << "leaks when allocation " << n << " fails";
    ASSERT_EQ(digest.value_or(expected), expected) << "other requests when allocation " << n << " fails";
    told += digest ? 0 : 1;
    if (!failing_new::clear()) break;  // there are no n allocations
  }
  EXPECT_GT(told, 5u);
}

std::uint64_t drain(Stream& stream) {
  Digest digest;
  while (const Batch* batch = stream.next()) digest.add(*batch);
  return digest.value();
}

JobOptions options_of(const std::string& profile) {
  JobOptions options{.rate = 20.0, .duration = 30.0};
  if (profile == "prefixes") options.block_size = 64;
  return options;
}

Job open_job(const std::string& profile) {
  return Job(Profile::open(corpus() / "tide" / (profile + ".tide")), options_of(profile));
}

class OutOfMemory : public testing::TestWithParam<Failure> {
 protected:
  // What hangs shall end the test.
  void SetUp() override { ::alarm(300); }
  void TearDown() override { ::alarm(0); }
};

TEST_P(OutOfMemory, Streams) {
  for (const char* const profile : {"language", "reason", "multimodal", "sessions", "prefixes"}) {
    SCOPED_TRACE(profile);
    expect_failures_told(
        [&] {
          const Job job = open_job(profile);
          Stream stream(job, {.threads = 2, .batch_size = 100});
          return drain(stream);
        },
        GetParam(), 5);
  }
}

// Windows that are cut in slices.
TEST_P(OutOfMemory, LargeWindows) {
  const Profile profile = Profile::open(corpus() / "tide" / "language.tide");
  const double window_s = static_cast<double>(profile.window_ns()) / 1e9;
  expect_failures_told(
      [&] {
        const Job job(profile, {.rate = 2.2e6 / window_s, .duration = window_s});
        Stream stream(job, {.threads = 2});
        return drain(stream);
      },
      GetParam(), 13);
}

TEST_P(OutOfMemory, Pace) {
  expect_failures_told(
      [&] {
        const Job job = open_job("language");
        PacedStream stream(job, {.stream = {.threads = 1, .batch_size = 100}});
        Digest digest;
        while (!stream.done()) {
          const DueRequests due = stream.next_due(1e9);
          if (!due.empty()) digest.add(due.batch->timestamp().subspan(due.first, due.last - due.first));
        }
        return digest.value();
      },
      GetParam());
}

TEST_P(OutOfMemory, Text) {
  const auto digest_of = [](TextStream& stream) {
    Digest digest;
    while (const std::optional<TextChunk> rows = stream.next()) digest.add(*rows->text);
    return digest.value();
  };
  const auto native = [&] {
    TextStream stream(open_job("multimodal"), TextFormat::jsonl, 2, kernels_for());
    return digest_of(stream);
  };
  expect_failures_told(native, GetParam(), 5);
  for (const TraceFormat& format : {TraceFormat::mooncake, TraceFormat::mooncake_session}) {
    const auto tool = [&] {
      TextStream stream(open_job("sessions"), format, HashIds::fill, 2, kernels_for());
      return digest_of(stream);
    };
    expect_failures_told(tool, GetParam(), 5);
  }
}

// Of an array or a schema; released in any case.
template <class Node>
struct Released {
  Node node{};
  ~Released() {
    if (node.release != nullptr) node.release(&node);
  }
};

void expect_told(ArrowArrayStream& stream, int code) {
  if (code == 0) return;
  if (code != ENOMEM || stream.get_last_error(&stream) == nullptr) throw std::logic_error("not told");
  throw std::bad_alloc();
}

TEST_P(OutOfMemory, Arrow) {
  for (const char* const profile : {"multimodal", "sessions"}) {
    SCOPED_TRACE(profile);
    expect_failures_told(
        [&] {
          Released<ArrowArrayStream> stream;
          export_stream(open_job(profile), {.threads = 1, .batch_size = 200}, &stream.node, "{\"seed\": 0}");
          Released<ArrowSchema> schema;
          expect_told(stream.node, stream.node.get_schema(&stream.node, &schema.node));
          Digest digest;
          for (;;) {
            Released<ArrowArray> array;
            expect_told(stream.node, stream.node.get_next(&stream.node, &array.node));
            if (array.node.release == nullptr) return digest.value();
            digest.add(std::span(static_cast<const double*>(array.node.children[0]->buffers[1]),
                                 static_cast<std::size_t>(array.node.length)));
          }
        },
        GetParam(), 3);
  }
}

// A ServeGen client's two files, and a profile that is read, written and read again. Not the folder: where
// listing one finds no memory, libstdc++ 12 itself ends the program.
TEST_P(OutOfMemory, Files) {
  const TemporaryFolder folder;
  std::ifstream file(corpus() / "servegen" / "language", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string divider = "====\n";
  const std::size_t at = text.find(divider);
  ASSERT_NE(at, std::string::npos);
  std::ofstream(folder / "trace.csv") << text.substr(0, at);
  std::ofstream(folder / "dataset.json") << text.substr(at + divider.size());
  const auto read = [&] {
    Digest digest;
    std::string buffer;
    for (const auto& active : servegen::read_arrivals(folder / "trace.csv", buffer).active)
      digest.add(std::span(&active.cell.rate, 1));
    digest.add(servegen::read_lengths(folder / "dataset.json", buffer).probabilities);
    Profile::open(corpus() / "tide" / "sessions.tide").write(folder / "made.tide");
    const Profile again = Profile::open(folder / "made.tide");
    for (std::uint32_t window = 0; window < again.windows(); ++window) digest.add(again.cells(window).rate);
    return digest.value();
  };
  expect_failures_told(read, GetParam());
  fs::remove(folder / "made.tide");
  EXPECT_EQ(folder.files(), 2) << "a file that was not finished is left";
}

INSTANTIATE_TEST_SUITE_P(, OutOfMemory, testing::Values(Failure::once, Failure::from_there_on),
                         [](const auto& which) {
                           return which.param == Failure::once ? "once" : "from_there_on";
                         });

}  // namespace
}  // namespace tracetide
