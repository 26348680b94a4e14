#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <sstream>
#include <string>
#include <vector>

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
  batch.reset(Category::language, 0);
  for (const double timestamp : timestamps) {
    batch.columns().timestamp.push_back(timestamp);
    batch.columns().client_id.push_back(4294967295u);
    batch.columns().input_tokens.push_back(10000);
    batch.columns().output_tokens.push_back(0);
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
      batch.columns().timestamp.push_back(0);
      batch.columns().client_id.push_back(0);
      batch.columns().input_tokens.push_back(static_cast<std::uint32_t>(near));
      batch.columns().output_tokens.push_back(static_cast<std::uint32_t>(near));
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
  batch.reset(Category::multimodal, 0);
  Columns& columns = batch.columns();
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
  batch.reset(Category::reason, 0);
  batch.columns().timestamp = {1.5};
  batch.columns().client_id = {1};
  batch.columns().input_tokens = {2};
  batch.columns().output_tokens = {3};
  batch.columns().reason_tokens = {1};
  EXPECT_EQ(text_header(Category::reason, TextFormat::csv) + text_of(batch, TextFormat::csv),
            "timestamp,client_id,input_tokens,output_tokens,reason_tokens\n1.5,1,2,3,1\n");
}

TEST(Text, NothingForAnEmptyBatch) { EXPECT_EQ(text_of(language_batch({}), TextFormat::jsonl), ""); }

}  // namespace
}  // namespace tracetide
