#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/access.hpp"
#include "writers/text.hpp"

namespace tracetide {
namespace {

std::string text_of(const Batch& batch, TextFormat format) {
  Column<char> out;
  append_rows(batch, format, out);
  return {out.begin(), out.end()};
}

Batch language_batch(const std::vector<double>& timestamps) {
  Batch batch;
  Access::reset(batch, Category::language, 0);
  for (const double timestamp : timestamps) {
    Access::columns(batch).timestamp.push_back(timestamp);
    Access::columns(batch).client_id.push_back(4294967295u);
    Access::columns(batch).input_tokens.push_back(10000);
    Access::columns(batch).output_tokens.push_back(0);
  }
  return batch;
}

TEST(Text, LanguageRows) {
  const Batch batch = language_batch({0.0, 0.000000001, 12.5});
  EXPECT_EQ(text_header(Category::language, TextFormat::csv),
            "timestamp,client_id,input_tokens,output_tokens\n");
  EXPECT_EQ(text_header(Category::language, TextFormat::jsonl), "");
  EXPECT_EQ(text_of(batch, TextFormat::csv),
            "0,4294967295,10000,0\n0.000000001,4294967295,10000,0\n12.5,4294967295,10000,0\n");
  EXPECT_EQ(text_of(language_batch({3}), TextFormat::jsonl),
            "{\"timestamp\":3,\"client_id\":4294967295,\"input_tokens\":10000,\"output_tokens\":0}\n");
}

TEST(Text, NumbersOfEveryLength) {
  Batch batch = language_batch({});
  std::string expected;
  for (std::uint64_t value = 1; value <= 4294967295u; value *= 3) {
    for (const std::uint64_t near : {value - 1, value}) {
      Access::columns(batch).timestamp.push_back(0);
      Access::columns(batch).client_id.push_back(0);
      Access::columns(batch).input_tokens.push_back(static_cast<std::uint32_t>(near));
      Access::columns(batch).output_tokens.push_back(static_cast<std::uint32_t>(near));
      const std::string digits = std::to_string(near);
      expected.append("0,0,").append(digits).append(",").append(digits).append("\n");
    }
  }
  EXPECT_EQ(text_of(batch, TextFormat::csv), expected);
}

// Below 97 days the text names the very nanosecond, and reading it gives the same double.
TEST(Text, TimestampsAreExact) {
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> ns{0, 1, 999'999'999, 1'000'000'000, 8'388'607'999'999'999};
  for (int i = 0; i < 100000; ++i) ns.push_back(random() % 8'388'608'000'000'000u);
  std::vector<double> timestamps;
  timestamps.reserve(ns.size());
  for (const std::uint64_t value : ns) timestamps.push_back(static_cast<double>(value) / 1e9);
  std::istringstream lines(text_of(language_batch(timestamps), TextFormat::csv));
  std::string line;
  for (std::size_t i = 0; i < ns.size(); ++i) {
    ASSERT_TRUE(std::getline(lines, line));
    const std::string text = line.substr(0, line.find(','));
    std::string digits = std::to_string(ns[i] % 1'000'000'000 + 1'000'000'000).substr(1);
    while (!digits.empty() && digits.back() == '0') digits.pop_back();
    ASSERT_EQ(text, std::to_string(ns[i] / 1'000'000'000) + (digits.empty() ? "" : "." + digits));
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), timestamps[i]);
  }
}

TEST(Text, TimestampsBeyondDoublePrecisionStayNear) {
  const double t = 4e9 - 0.1;
  const std::string text = text_of(language_batch({t}), TextFormat::csv);
  EXPECT_NEAR(std::strtod(text.c_str(), nullptr), t, 1e-6);
}

TEST(Text, ListsAreJson) {
  Batch batch;
  Access::reset(batch, Category::multimodal, 0);
  Columns& columns = Access::columns(batch);
  columns.timestamp = {0.25, 1};
  columns.client_id = {1, 2};
  columns.input_tokens = {30, 40};
  columns.output_tokens = {5, 6};
  columns.text_tokens = {7, 8};
  columns.image_tokens.offsets = {0, 2, 2};
  columns.image_tokens.values = {10, 13};
  columns.audio_tokens.offsets = {0, 0, 1};
  columns.audio_tokens.values = {32};
  columns.video_tokens.offsets = {0, 0, 0};
  EXPECT_EQ(
      text_header(Category::multimodal, TextFormat::csv),
      "timestamp,client_id,input_tokens,output_tokens,text_tokens,image_tokens,audio_tokens,video_tokens\n");
  EXPECT_EQ(text_of(batch, TextFormat::csv), "0.25,1,30,5,7,\"[10,13]\",[],[]\n1,2,40,6,8,[],[32],[]\n");
  EXPECT_EQ(text_of(batch, TextFormat::jsonl),
            "{\"timestamp\":0.25,\"client_id\":1,\"input_tokens\":30,\"output_tokens\":5,\"text_tokens\":7,"
            "\"image_tokens\":[10,13],\"audio_tokens\":[],\"video_tokens\":[]}\n"
            "{\"timestamp\":1,\"client_id\":2,\"input_tokens\":40,\"output_tokens\":6,\"text_tokens\":8,"
            "\"image_tokens\":[],\"audio_tokens\":[32],\"video_tokens\":[]}\n");
}

TEST(Text, ReasonTokensFollowTheOutput) {
  Batch batch;
  Access::reset(batch, Category::reason, 0);
  Access::columns(batch).timestamp = {1.5};
  Access::columns(batch).client_id = {1};
  Access::columns(batch).input_tokens = {2};
  Access::columns(batch).output_tokens = {3};
  Access::columns(batch).reason_tokens = {1};
  EXPECT_EQ(text_header(Category::reason, TextFormat::csv) + text_of(batch, TextFormat::csv),
            "timestamp,client_id,input_tokens,output_tokens,reason_tokens\n1.5,1,2,3,1\n");
}

TEST(Text, NothingForAnEmptyBatch) { EXPECT_EQ(text_of(language_batch({}), TextFormat::jsonl), ""); }

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t exact_ns = (std::uint64_t{1} << 23) * second_ns;  // 97 days

// splitmix64
class Noise {
 public:
  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// Numbers of all lengths, which uniform ones are not.
  std::uint64_t below(std::uint64_t limit) { return (bits() >> (bits() % 64)) % limit; }

 private:
  std::uint64_t state_ = 7;
};

// As the engine makes it from whole nanoseconds: the nearest double.
double seconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e9; }

// The slow way, in whole numbers only.
std::string reference_seconds(std::uint64_t ns) {
  std::string text = std::to_string(ns / second_ns);
  std::string fraction = std::to_string(second_ns + ns % second_ns).substr(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return fraction.empty() ? text : text + "." + fraction;
}

std::string reference_list(const ListColumn& list, std::size_t row, TextFormat format) {
  std::string text = "[";
  for (std::int32_t i = list.offsets[row]; i < list.offsets[row + 1]; ++i) {
    if (text.size() > 1) text += ',';
    text += std::to_string(list.values[static_cast<std::size_t>(i)]);
  }
  text += ']';
  const bool quoted = format == TextFormat::csv && text.find(',') != std::string::npos;
  return quoted ? "\"" + text + "\"" : text;
}

std::string reference_cell(const std::string& name, const std::string& value, bool json) {
  return json ? "\"" + name + "\":" + value : value;
}

std::string reference_rows(const Batch& batch, const std::vector<std::uint64_t>& ns, TextFormat format) {
  const bool json = format == TextFormat::jsonl;
  std::string text;
  for (std::size_t row = 0; row < batch.size(); ++row) {
    std::vector<std::pair<std::string, std::string>> cells{
        {"timestamp", reference_seconds(ns[row])},
        {"client_id", std::to_string(batch.client_id()[row])},
        {"input_tokens", std::to_string(batch.input_tokens()[row])},
        {"output_tokens", std::to_string(batch.output_tokens()[row])},
    };
    if (batch.category() == Category::reason) {
      cells.emplace_back("reason_tokens", std::to_string(batch.reason_tokens()[row]));
    }
    if (batch.category() == Category::multimodal) {
      cells.emplace_back("text_tokens", std::to_string(batch.text_tokens()[row]));
      cells.emplace_back("image_tokens", reference_list(batch.image_tokens(), row, format));
      cells.emplace_back("audio_tokens", reference_list(batch.audio_tokens(), row, format));
      cells.emplace_back("video_tokens", reference_list(batch.video_tokens(), row, format));
    }
    std::string line;
    for (const auto& [name, value] : cells) {
      if (!line.empty()) line += ',';
      line += reference_cell(name, value, json);
    }
    text += json ? "{" + line + "}\n" : line + "\n";
  }
  return text;
}

void append_random_list(ListColumn& list, Noise& noise) {
  if (list.offsets.empty()) list.offsets.push_back(0);
  for (std::uint64_t items = noise.below(5); items > 0; --items) {
    list.values.push_back(static_cast<std::uint32_t>(noise.below(std::uint64_t{1} << 32)));
  }
  list.offsets.push_back(static_cast<std::int32_t>(list.values.size()));
}

Batch random_batch(Category category, const std::vector<std::uint64_t>& ns, Noise& noise) {
  const auto number = [&noise] { return static_cast<std::uint32_t>(noise.below(std::uint64_t{1} << 32)); };
  Batch batch;
  Access::reset(batch, category, 0);
  Columns& columns = Access::columns(batch);
  for (const std::uint64_t when : ns) {
    columns.timestamp.push_back(seconds(when));
    columns.client_id.push_back(number());
    columns.input_tokens.push_back(number());
    columns.output_tokens.push_back(number());
    if (category == Category::reason) columns.reason_tokens.push_back(number());
    if (category == Category::multimodal) {
      columns.text_tokens.push_back(number());
      append_random_list(columns.image_tokens, noise);
      append_random_list(columns.audio_tokens, noise);
      append_random_list(columns.video_tokens, noise);
    }
  }
  return batch;
}

// One request whose numbers are all `number`.
Batch one_request(Category category, double timestamp, std::uint32_t number) {
  Batch batch;
  Access::reset(batch, category, 0);
  Columns& columns = Access::columns(batch);
  columns.timestamp = {timestamp};
  columns.client_id = columns.input_tokens = columns.output_tokens = {number};
  if (category == Category::reason) columns.reason_tokens = {number};
  if (category == Category::multimodal) {
    columns.text_tokens = {number};
    columns.image_tokens = columns.audio_tokens = columns.video_tokens = {{0, 0}, {}};
  }
  return batch;
}

std::string rows(const Batch& batch, TextFormat format) {
  Column<char> out;
  append_rows(batch, format, out);
  return {out.begin(), out.end()};
}

std::string timestamp_text(double timestamp) {
  const std::string line = rows(one_request(Category::language, timestamp, 0), TextFormat::csv);
  return line.substr(0, line.find(','));
}

constexpr std::array<std::pair<Category, TextFormat>, 6> all_kinds{{
    {Category::language, TextFormat::csv},
    {Category::reason, TextFormat::csv},
    {Category::multimodal, TextFormat::csv},
    {Category::language, TextFormat::jsonl},
    {Category::reason, TextFormat::jsonl},
    {Category::multimodal, TextFormat::jsonl},
}};

TEST(TextWriter, HeaderNamesTheColumnsInOrder) {
  EXPECT_EQ(text_header(Category::language, TextFormat::csv),
            "timestamp,client_id,input_tokens,output_tokens\n");
  EXPECT_EQ(text_header(Category::reason, TextFormat::csv),
            "timestamp,client_id,input_tokens,output_tokens,reason_tokens\n");
  EXPECT_EQ(
      text_header(Category::multimodal, TextFormat::csv),
      "timestamp,client_id,input_tokens,output_tokens,text_tokens,image_tokens,audio_tokens,video_tokens\n");
  EXPECT_EQ(text_header(Category::multimodal, TextFormat::jsonl), "");
}

TEST(TextWriter, WritesCsvLines) {
  EXPECT_EQ(rows(one_request(Category::language, 12.5, 0), TextFormat::csv), "12.5,0,0,0\n");
  EXPECT_EQ(rows(one_request(Category::reason, 0, 4294967295u), TextFormat::csv),
            "0,4294967295,4294967295,4294967295,4294967295\n");
  Batch batch = one_request(Category::multimodal, 3, 7);
  Access::columns(batch).image_tokens = {{0, 2}, {1, 2}};
  Access::columns(batch).audio_tokens = {{0, 1}, {10000}};
  EXPECT_EQ(rows(batch, TextFormat::csv), "3,7,7,7,7,\"[1,2]\",[10000],[]\n");
}

TEST(TextWriter, WritesJsonLines) {
  EXPECT_EQ(rows(one_request(Category::language, 0.5, 20), TextFormat::jsonl),
            "{\"timestamp\":0.5,\"client_id\":20,\"input_tokens\":20,\"output_tokens\":20}\n");
  Batch batch = one_request(Category::multimodal, 3, 7);
  Access::columns(batch).image_tokens = {{0, 2}, {1, 2}};
  EXPECT_EQ(rows(batch, TextFormat::jsonl),
            "{\"timestamp\":3,\"client_id\":7,\"input_tokens\":7,\"output_tokens\":7,\"text_tokens\":7,"
            "\"image_tokens\":[1,2],\"audio_tokens\":[],\"video_tokens\":[]}\n");
}

TEST(TextWriter, TimestampsHaveAtMostNineDecimals) {
  EXPECT_EQ(timestamp_text(0), "0");
  EXPECT_EQ(timestamp_text(12), "12");
  EXPECT_EQ(timestamp_text(12.5), "12.5");
  EXPECT_EQ(timestamp_text(1e-9), "0.000000001");
  EXPECT_EQ(timestamp_text(0.999999999), "0.999999999");
  EXPECT_EQ(timestamp_text(0.1), "0.1");
  EXPECT_EQ(timestamp_text(86399.00000001), "86399.00000001");
  EXPECT_EQ(timestamp_text(8388607.999999999), "8388607.999999999");
}

TEST(TextWriter, TimestampsBeyondTheExactRangeNameTheNearestNanosecond) {
  EXPECT_EQ(timestamp_text(8388608.000000002), "8388608.000000002");      // 2^23 s + 2^-29 s = 1.86 ns
  EXPECT_EQ(timestamp_text(31536000.000000004), "31536000.000000004");    // a year + 2^-28 s = 3.73 ns
  EXPECT_EQ(timestamp_text(4294967295.9999995), "4294967295.999999523");  // 2^32 s - 2^-21 s
  EXPECT_EQ(timestamp_text(4294967296.5), "4294967296.5");
  EXPECT_EQ(timestamp_text(999999999999999.875), "999999999999999.875");
}

TEST(TextWriter, RoundsUpIntoTheNextSecond) {
  EXPECT_EQ(timestamp_text(0.99999999990), "1");
  EXPECT_EQ(timestamp_text(9.9999999999), "10");
}

TEST(TextWriter, ReadingATimestampGivesTheSameDouble) {
  Noise noise;
  std::vector<std::uint64_t> all;
  for (std::uint64_t place = 1; place < exact_ns; place *= 10) {
    for (std::uint64_t digit = 1; digit < 10 && place * digit < exact_ns; ++digit) {
      all.insert(all.end(), {place * digit - 1, place * digit, place * digit + 1});
    }
  }
  for (std::uint64_t power = 1; power < exact_ns; power *= 2)
    all.insert(all.end(), {power - 1, power, power + 1});
  for (int i = 0; i < 300'000; ++i) {
    all.push_back(noise.bits() % exact_ns);
    all.push_back(exact_ns - 1 - noise.below(exact_ns));
    all.push_back(noise.below(exact_ns));
  }
  const Batch batch = random_batch(Category::language, all, noise);
  const std::string text = rows(batch, TextFormat::csv);
  ASSERT_EQ(text, reference_rows(batch, all, TextFormat::csv));
  const char* line = text.c_str();
  for (std::size_t row = 0; row < all.size(); ++row) {
    char* end = nullptr;
    ASSERT_EQ(std::strtod(line, &end), batch.timestamp()[row]) << all[row];
    ASSERT_EQ(*end, ',');
    while (*line++ != '\n') continue;
  }
}

TEST(TextWriter, WritesNumbersOfEveryLength) {
  const auto expect_written = [](std::uint32_t number) {
    const std::string digits = std::to_string(number);
    ASSERT_EQ(rows(one_request(Category::language, 1, number), TextFormat::csv),
              "1," + digits + "," + digits + "," + digits + "\n");
  };
  for (std::uint64_t place = 1; place <= 10'000'000'000; place *= 10) {
    for (const std::uint64_t number : {place - 1, place, place + 1, place * 2 - 1, place * 7 / 3}) {
      if (number <= 4294967295u) expect_written(static_cast<std::uint32_t>(number));
    }
  }
  for (std::uint32_t number = 0; number < 20'000; ++number) expect_written(number);
}

TEST(TextWriter, AgreesWithTheSlowWay) {
  Noise noise;
  for (const auto& [category, format] : all_kinds) {
    for (const std::size_t size : {1u, 2u, 100u, 5000u}) {
      std::vector<std::uint64_t> ns(size);
      for (std::uint64_t& when : ns) when = noise.below(exact_ns);
      const Batch batch = random_batch(category, ns, noise);
      ASSERT_EQ(rows(batch, format), reference_rows(batch, ns, format)) << name(category) << size;
    }
  }
}

TEST(TextWriter, RowsOfTheGreatestLengthFit) {
  for (const auto& [category, format] : all_kinds) {
    Batch batch = one_request(category, 999999999999999.875, 4294967295u);
    if (category == Category::multimodal) {
      const ListColumn longest{{0, 3}, {4294967295u, 4294967295u, 4294967295u}};
      Access::columns(batch).image_tokens = Access::columns(batch).audio_tokens =
          Access::columns(batch).video_tokens = longest;
    }
    const std::string line = rows(batch, format);
    EXPECT_EQ(line.back(), '\n');
    EXPECT_NE(line.find("999999999999999.875"), std::string::npos);
  }
}

TEST(TextWriter, AnEmptyBatchAddsNothing) {
  for (const auto& [category, format] : all_kinds) {
    Batch batch;
    Access::reset(batch, category, 0);
    EXPECT_EQ(rows(batch, format), "");
  }
}

TEST(TextWriter, AppendsBehindWhatIsThere) {
  Column<char> out{'a', 'b'};
  const Batch batch = one_request(Category::language, 1, 2);
  append_rows(batch, TextFormat::csv, out);
  append_rows(batch, TextFormat::csv, out);
  EXPECT_EQ(std::string(out.begin(), out.end()), "ab1,2,2,2\n1,2,2,2\n");
}

TEST(TextWriter, ListsMayStartAnywhere) {
  Batch batch = one_request(Category::multimodal, 1, 2);
  Access::columns(batch).image_tokens = {{2, 4}, {9, 9, 5, 6, 9}};
  EXPECT_EQ(rows(batch, TextFormat::csv), "1,2,2,2,2,\"[5,6]\",[],[]\n");
}

}  // namespace
}  // namespace tracetide
