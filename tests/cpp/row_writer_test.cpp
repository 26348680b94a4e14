#include "writers/row_writer.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/kernels.hpp"
#include "profile/builder.hpp"
#include "writers/text_stream.hpp"
#include "writers/time_text.hpp"

namespace tracetide {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

struct Table {
  std::vector<double> timestamp{};
  std::vector<std::uint32_t> input{};
  std::vector<std::uint32_t> output{};
  std::vector<std::uint64_t> session{};
  std::vector<std::uint16_t> turn{};
  std::vector<double> delay{};

  [[nodiscard]] static std::vector<ColumnInfo> infos(bool sessions) {
    std::vector<ColumnInfo> all{{"timestamp", ColumnKind::real},
                                {"input_tokens", ColumnKind::u32},
                                {"output_tokens", ColumnKind::u32}};
    if (sessions) {
      all.push_back({"session_id", ColumnKind::u64});
      all.push_back({"turn", ColumnKind::u16});
      all.push_back({"delay", ColumnKind::real});
    }
    return all;
  }
  [[nodiscard]] Rows rows() const {
    Rows made{.columns = {std::span<const double>(timestamp), std::span<const std::uint32_t>(input),
                          std::span<const std::uint32_t>(output)},
              .size = timestamp.size()};
    if (!session.empty()) {
      made.columns.emplace_back(std::span<const std::uint64_t>(session));
      made.columns.emplace_back(std::span<const std::uint16_t>(turn));
      made.columns.emplace_back(std::span<const double>(delay));
    }
    return made;
  }
};

std::string written(RowWriter& writer, const Table& table) {
  Column<char> out;
  writer.append(table.rows(), writer.prepare(table.rows()), out);
  return {out.begin(), out.end()};
}

std::string finished(RowWriter& writer) {
  Column<char> out;
  writer.finish(out);
  return {out.begin(), out.end()};
}

std::string date(double seconds) {
  char text[DateWriter::longest];
  DateWriter writer(date_origin_s);
  return {text, writer.put(text, seconds)};
}

TEST(TimeText, Dates) {
  EXPECT_EQ(date(0), "2026-01-01 00:00:00.0000000");
  EXPECT_EQ(date(0.00000005), "2026-01-01 00:00:00.0000001");
  EXPECT_EQ(date(59.99999995), "2026-01-01 00:01:00.0000000");
  EXPECT_EQ(date(86400.0 * 365 + 3661.1234567), "2027-01-01 01:01:01.1234567");
  EXPECT_EQ(date(86400.0 * (31 + 28)), "2026-03-01 00:00:00.0000000");
}

TEST(TimeText, WholeUnits) {
  char text[64];
  const auto put = [&](auto writer, double seconds) { return std::string(text, writer(text, seconds)); };
  EXPECT_EQ(put(put_milliseconds, 0.0000005), "0.0005");
  EXPECT_EQ(put(put_milliseconds, 12.5), "12500");
  EXPECT_EQ(put(put_milliseconds, 1234567.000000001), "1234567000.000001");
  EXPECT_EQ(put(put_microseconds, 0.0000015), "2");
  EXPECT_EQ(put(put_microseconds, 0.9999999), "1000000");
  EXPECT_EQ(put(put_nanoseconds, 9e9), "9000000000000000000");
}

// Whatever double comes, no more is written than there is room for.
TEST(TimeText, AnyDoubleFits) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> values{none,         infinity, std::numeric_limits<double>::max(),
                             longest_time, 2e17,     1e17,
                             1e16,         1e15,     9.2e18,
                             1e10,         0.0,      -0.0,
                             -1.0,         -1e300,   -infinity};
  for (int bit = 0; bit < 64; ++bit) values.push_back(std::bit_cast<double>(std::uint64_t{1} << bit));
  for (const double value : values) {
    const std::string guard(40, '#');
    const auto check = [&](std::size_t longest, auto&& put) {
      std::string text = std::string(64, ' ') + guard;
      const char* const end = put(text.data(), value);
      EXPECT_GT(end, text.data());
      EXPECT_LE(end, text.data() + longest);
      EXPECT_EQ(text.substr(64), guard);
      EXPECT_EQ(std::string_view(text.data(), end).find_first_not_of("0123456789.-: "),
                std::string_view::npos);
    };
    TimestampWriter seconds;
    DateWriter dates(date_origin_s);
    check(TimestampWriter::longest, [&](char* to, double time) { return seconds.put(to, time); });
    check(DateWriter::longest, [&](char* to, double time) { return dates.put(to, time); });
    check(longest_milliseconds, put_milliseconds);
    check(longest_long_number, put_microseconds);
    check(longest_long_number, put_nanoseconds);
  }
}

TEST(TimeText, BeyondTheEndsIsTheEnd) {
  char text[64];
  TimestampWriter writer;
  const auto seconds = [&](double time) { return std::string(text, writer.put(text, time)); };
  EXPECT_EQ(seconds(1e17), "999999999999999.875");
  EXPECT_EQ(seconds(-1), "0");
  EXPECT_EQ(seconds(none), "0");
  EXPECT_EQ(date(1e15), "9999-12-31 23:59:59.8750000");
}

TEST(RowWriter, ADelayThatIsNoTimeIsRefused) {
  for (const TraceFormat& format : {TraceFormat::burstgpt, TraceFormat::mooncake_session,
                                    TraceFormat::llmservingsim, TraceFormat::vidur, TraceFormat::blis}) {
    for (const double delay : {std::numeric_limits<double>::infinity(), 1e17, 1e10, -1.0}) {
      RowWriter writer(format, Table::infos(true), {});
      const Table table{.timestamp = {0, 1},
                        .input = {1, 1},
                        .output = {1, 1},
                        .session = {1, 1},
                        .turn = {1, 2},
                        .delay = {none, delay}};
      try {
        (void)writer.prepare(table.rows());
        ADD_FAILURE() << format.name << " takes " << delay;
      } catch (const std::invalid_argument& error) {
        EXPECT_EQ(std::string(error.what()),
                  "row 2: its delay is no time; it must be from 0 to 9223372036 s, or missing");
      }
    }
  }
}

TEST(RowWriter, RowsAreCountedAndIdsUsedOnce) {
  RowWriter writer(TraceFormat::mooncake, Table::infos(false), {});
  const Table table{.timestamp = {0, 1}, .input = {1, 1025}, .output = {2, 0}};
  EXPECT_EQ(written(writer, table),
            "{\"timestamp\":0,\"input_length\":1,\"output_length\":2,\"hash_ids\":[0]}\n"
            "{\"timestamp\":1000,\"input_length\":1025,\"output_length\":1,\"hash_ids\":[1,2,3]}\n");
  EXPECT_EQ(written(writer, {.timestamp = {2}, .input = {0}, .output = {1}}),
            "{\"timestamp\":2000,\"input_length\":1,\"output_length\":1,\"hash_ids\":[4]}\n");
  EXPECT_EQ(writer.rows_without_tokens(), 2u);
  EXPECT_EQ(finished(writer), "");
}

TEST(RowWriter, IdsBeyondTheirRangeAreRefused) {
  RowWriter writer(TraceFormat::bailian, Table::infos(false), {.block_size = 1});
  const Table table{.timestamp = {0}, .input = {2'000'000'000}, .output = {1}};
  (void)writer.prepare(table.rows());
  EXPECT_THROW((void)writer.prepare(table.rows()), std::invalid_argument);
}

// Sessions with high numbers begin at turn 1; of others it is remembered which have begun.
TEST(RowWriter, ASessionBeginsOnce) {
  RowWriter writer(TraceFormat::mooncake_session, Table::infos(true),
                   {.hash_ids = HashIds::leave, .first_new_session = 10});
  const Table table{.timestamp = {1, 2, 3, 4},
                    .input = {5, 5, 5, 5},
                    .output = {6, 6, 6, 6},
                    .session = {3, 12, 3, 12},
                    .turn = {7, 1, 8, 2},
                    .delay = {0.5, none, 0.25, 2}};
  EXPECT_EQ(written(writer, table),
            "{\"session_id\":\"3\",\"timestamp\":1000,\"input_length\":5,\"output_length\":6,\"turn\":7}\n"
            "{\"session_id\":\"12\",\"timestamp\":2000,\"input_length\":5,\"output_length\":6,\"turn\":1}\n"
            "{\"session_id\":\"3\",\"delay\":250,\"input_length\":5,\"output_length\":6,\"turn\":8}\n"
            "{\"session_id\":\"12\",\"delay\":2000,\"input_length\":5,\"output_length\":6,\"turn\":2}\n");
}

TEST(RowWriter, TurnsOfASessionRise) {
  for (const TraceFormat& format :
       {TraceFormat::mooncake_session, TraceFormat::bailian, TraceFormat::blis, TraceFormat::llmservingsim}) {
    RowWriter writer(format, Table::infos(true), {.hash_ids = HashIds::leave});
    Table table{.timestamp = {1, 2},
                .input = {5, 5},
                .output = {6, 6},
                .session = {3, 3},
                .turn = {7, 9},
                .delay = {none, 0.5}};
    (void)writer.prepare(table.rows());
    EXPECT_THROW((void)writer.prepare(table.rows()), std::invalid_argument);
  }
}

// A line is written when no turn can follow any more.
TEST(RowWriter, LinesOfSessionsAreWrittenAfterTheirHorizon) {
  RowWriter writer(TraceFormat::llmservingsim, Table::infos(true), {.session_horizon_ns = 10'000'000'000});
  EXPECT_EQ(written(writer, {.timestamp = {1, 5},
                             .input = {5, 6},
                             .output = {7, 8},
                             .session = {4, 4},
                             .turn = {1, 2},
                             .delay = {none, 3}}),
            "");
  EXPECT_EQ(
      written(writer,
              {.timestamp = {12}, .input = {1}, .output = {2}, .session = {9}, .turn = {1}, .delay = {none}}),
      "{\"session_id\":\"4\",\"arrival_time_ns\":1000000000,\"sub_requests\":["
      "{\"input_toks\":5,\"output_toks\":7,\"tool_duration_ns\":3000000000},"
      "{\"input_toks\":6,\"output_toks\":8,\"tool_duration_ns\":0}]}\n");
  EXPECT_EQ(finished(writer),
            "{\"session_id\":\"9\",\"arrival_time_ns\":12000000000,\"sub_requests\":["
            "{\"input_toks\":1,\"output_toks\":2,\"tool_duration_ns\":0}]}\n");
}

TEST(RowWriter, WrongColumnsAreRefused) {
  EXPECT_THROW(RowWriter(TraceFormat::azure, {{"timestamp", ColumnKind::real}}, {}), std::invalid_argument);
  EXPECT_THROW(RowWriter(TraceFormat::azure,
                         {{"timestamp", ColumnKind::u64},
                          {"input_tokens", ColumnKind::u32},
                          {"output_tokens", ColumnKind::u32}},
                         {}),
               std::invalid_argument);
  EXPECT_THROW((void)parse_trace_format("mooncak"), std::invalid_argument);
  RowWriter writer(TraceFormat::azure, Table::infos(false), {});
  for (const double time : {none, -1.0, 1e11}) {
    const Table table{.timestamp = {time}, .input = {1}, .output = {1}};
    EXPECT_THROW((void)writer.prepare(table.rows()), std::invalid_argument) << time;
  }
}

TEST(TurnDeltas, WhatGoesOnAndWhatDoesNot) {
  TurnDeltas deltas;
  const TurnDelta first = deltas.next("a", {300, 40});
  EXPECT_EQ(first.new_tokens, 300u);
  EXPECT_EQ(deltas.next("b", {341, 1}).new_tokens, 341u);
  const TurnDelta second = deltas.next("a", {341, 0});  // with an answer of one token, as it is written
  EXPECT_EQ(second.new_tokens, 1u);
  EXPECT_EQ(second.place, 1u);
  const TurnDelta third = deltas.next("a", {342, 5});
  EXPECT_EQ(third.new_tokens, 342u);
  EXPECT_EQ(third.place, 0u);
  EXPECT_EQ(third.part, 1u);
  EXPECT_EQ(deltas.split_turns(), 1u);
}

TEST(TurnDeltas, ASessionIsForgottenWhenItHasEnded) {
  TurnDeltas deltas;
  EXPECT_EQ(deltas.next(1, {10, 5}, 0.0, 100.0).place, 0u);
  EXPECT_EQ(deltas.next(1, {20, 5}, 100.0, 100.0).place, 1u);
  EXPECT_EQ(deltas.next(2, {20, 5}, 100.5, 100.0).place, 0u);
  EXPECT_EQ(deltas.next(1, {90, 5}, 100.6, 100.0).new_tokens, 90u);
  EXPECT_EQ(deltas.split_turns(), 0u);
}

TEST(TraceFormats, NamesGoBothWays) {
  for (const char* name : {"mooncake", "mooncake-session", "mooncake-delta", "bailian", "burstgpt", "azure",
                           "vidur", "blis", "llmservingsim", "splitwise"}) {
    EXPECT_EQ(parse_trace_format(name).name, name);
  }
}

Profile bursty(std::uint32_t longest = 600) {
  ImageBuilder builder(Category::language, {10'000'000'000, 6, 60'000'000'000, 1}, Counts::pinned, "{}");
  const std::vector<std::uint32_t> values{1, longest};
  const std::vector<double> probabilities{0.5, 0.5};
  const std::uint32_t lengths = builder.add_integer_pmf(values, probabilities);
  const std::uint32_t client = builder.add_client("one");
  for (std::uint32_t window = 0; window < 6; ++window)
    builder.add_cell(client, window, {300, 0.5, std::sqrt(2.0), Family::gamma});
  for (std::uint32_t field = 0; field < 2; ++field) builder.set_field(0, client, field, lengths);
  return Profile::from_image(builder.image());
}

std::string stream_text(const Job& job, const TraceFormat& format, unsigned threads) {
  TextStream stream(job, format, HashIds::fill, threads, kernels_for());
  std::string text;
  while (const auto rows = stream.next()) text.append(rows->text->begin(), rows->text->end());
  return text;
}

// Numbers of rows are given in the order of the trace, though rows are written by all threads.
TEST(TextStream, TheSameForAnyThreads) {
  const Job job(bursty(), {.duration = 1200.0, .seed = 4});
  for (const TraceFormat& format : {TraceFormat::splitwise, TraceFormat::bailian}) {
    const std::string expected = stream_text(job, format, 1);
    EXPECT_GT(expected.size(), 1'000'000u);
    for (const unsigned threads : {2u, 4u, 7u}) EXPECT_EQ(stream_text(job, format, threads), expected);
  }
}

TEST(TextStream, CanBeLeftEarly) {
  const Job job(bursty(), {.duration = 86400.0, .seed = 4});
  TextStream stream(job, TraceFormat::splitwise, HashIds::fill, 3, kernels_for());
  const auto rows = stream.next();
  ASSERT_TRUE(rows.has_value());
  EXPECT_GT(rows->rows, 0u);
}

// What one worker throws, all end with.
TEST(TextStream, ARowThatCannotBeToldEndsTheStream) {
  const Job job(bursty(1'000'000), {.duration = 1200.0, .seed = 4});
  TextStream stream(job, TraceFormat::bailian, HashIds::fill, 3, kernels_for());
  const auto take_all = [&] {
    while (stream.next()) {
    }
  };
  EXPECT_THROW(take_all(), std::invalid_argument);
}

}  // namespace
}  // namespace tracetide
