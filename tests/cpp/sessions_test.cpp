#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/access.hpp"
#include "engine/session_spill.hpp"
#include "profile/builder.hpp"
#include "sessions/session_kernel.hpp"
#include "sessions/session_maker.hpp"
#include "tracetide/stream.hpp"
#include "writers/text.hpp"

namespace tracetide {
namespace {

constexpr std::int64_t second = 1'000'000'000;

// One client; every session has `turns` turns, each 3 s after the start of the one before. With system
// prompts of 8 tokens, inputs have 10 or more.
Profile chatting(std::uint32_t turns, double share, bool has_prompts = false) {
  ImageBuilder builder(Category::language, {10 * second, 6, 60 * second, 1}, Counts::pinned, "{}");
  const auto always = [&](std::uint32_t value) {
    return builder.add_integer_pmf(std::vector<std::uint32_t>{value}, std::vector<double>{1.0});
  };
  const std::uint32_t client = builder.add_client("a");
  for (std::uint32_t window = 0; window < 6; ++window) builder.add_cell(client, window, {50, 1, 1, {}});
  for (std::uint32_t field = 0; field < 2; ++field) builder.set_field(0, client, field, always(10));
  SessionModel model;
  model.share = share;
  model.turns = always(turns);
  model.waits_from_start = 1;
  SessionStep step;
  step.wait = always(3000);
  step.tokens = always(5);
  if (has_prompts) {
    const PromptLevel level{.exponent = 1, .prompts = 3, .tokens = always(8)};
    builder.set_prompts(client, builder.add_prompt_model({.share = 0.5}, std::vector<PromptLevel>{level}));
  }
  builder.set_session(client, builder.add_session_model(model, std::vector<SessionStep>{step}));
  return Profile::from_image(builder.image());
}

// One client, few of whose sessions are very long and call very many agents.
Profile with_rare_giants() {
  ImageBuilder builder(Category::language, {10 * second, 6, 60 * second, 1}, Counts::pinned, "{}");
  const auto either = [&](std::uint32_t often, std::uint32_t rarely) {
    return builder.add_integer_pmf(std::vector<std::uint32_t>{often, rarely},
                                   std::vector<double>{1 - 0x1p-20, 0x1p-20});
  };
  const std::uint32_t client = builder.add_client("a");
  for (std::uint32_t window = 0; window < 6; ++window) builder.add_cell(client, window, {50, 1, 1, {}});
  for (std::uint32_t field = 0; field < 2; ++field) builder.set_field(0, client, field, either(10, 11));
  SessionModel model{.share = 1};
  model.turns = either(1, 4096);
  SessionModel agent;
  agent.turns = either(1, 2);
  SessionStep step;
  step.wait = either(1, 2);
  step.tokens = either(5, 6);
  SessionStep calling = step;
  calling.child = 1;
  calling.calls = either(1, 60);
  builder.set_session(client, builder.add_session_model(model, std::vector<SessionStep>{calling}));
  (void)builder.add_session_model(agent, std::vector<SessionStep>{step});
  return Profile::from_image(builder.image());
}

// One client, whose agents try tools that fail, themselves and by others that they call.
Profile trying(std::uint32_t turns, std::uint32_t calls, double failure, std::uint32_t retries) {
  ImageBuilder builder(Category::language, {10 * second, 6, 60 * second, 1}, Counts::pinned, "{}");
  const auto always = [&](std::uint32_t value) {
    return builder.add_integer_pmf(std::vector<std::uint32_t>{value}, std::vector<double>{1.0});
  };
  const std::uint32_t client = builder.add_client("a");
  for (std::uint32_t window = 0; window < 6; ++window) builder.add_cell(client, window, {50, 1, 1, {}});
  for (std::uint32_t field = 0; field < 2; ++field) builder.set_field(0, client, field, always(10));
  SessionStep calling{.wait = always(1), .calls = always(calls), .child = 1};
  SessionStep tool{.failure = failure, .wait = always(1), .calls = always(calls), .retries = retries};
  builder.set_session(
      client, builder.add_session_model({.share = 1, .turns = always(2)}, std::vector<SessionStep>{calling}));
  (void)builder.add_session_model({.turns = always(turns)}, std::vector<SessionStep>{tool});
  return Profile::from_image(builder.image());
}

// A request counts for 8; of the tool, a call is the sum of its tries and of what comes of them.
TEST(Sessions, TheirDrawsAreThoseOfRequestsCallsAndTries) {
  const std::vector<double> draws = draws_per_start(trying(3, 4, 0.5, 1));
  const double agent = 3 * 8 + 2 * 4 * (1 + 1.5);
  EXPECT_DOUBLE_EQ(draws[1], agent);
  EXPECT_DOUBLE_EQ(draws[0], 2 * 8 + 4 * (1 + agent));
}

TEST(Sessions, WhoseDrawsAreTooManyAreRefused) {
  try {
    (void)Job(trying(4096, 64, 0.99, 15), {});
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("it must be at most 2^26"), std::string::npos) << error.what();
  }
}

TEST(Sessions, APollEndsTheirPlanningAndTheirMaking) {
  const Profile profile = trying(10, 64, 0.9, 15);
  EXPECT_THROW((void)Job(profile, {}, [] { throw 7; }), int);
  Stream stream(Job(profile, {}), {.threads = 1, .poll = [] { throw 7; }});
  EXPECT_THROW((void)stream.next(), int);
}

TEST(SessionKernel, UniformStarts) {
  // Requests at 0 and at 15 s: with windows of 10 s, the second falls half into each of the next two.
  SessionKernel kernel({15 * second, 0, 0, 15 * second}, 2);
  EXPECT_DOUBLE_EQ(kernel.requests_between(10 * second, 0, 10 * second), 1.0);
  EXPECT_DOUBLE_EQ(kernel.requests_between(10 * second, 10 * second, 20 * second), 0.5);
  EXPECT_DOUBLE_EQ(kernel.requests_between(10 * second, 20 * second, 30 * second), 0.5);
  EXPECT_DOUBLE_EQ(kernel.requests_between(10 * second, 30 * second, 40 * second), 0.0);
  EXPECT_EQ(kernel.quantile(1.0), 15 * second);
  kernel.cut(14 * second);
  EXPECT_DOUBLE_EQ(kernel.requests_between(10 * second, 0, 100 * second), 1.0);
}

TEST(Sessions, TurnsAreWhereTheModelPutsThem) {
  const Job job(chatting(4, 0.5), {.duration = 60.0, .seed = 3});
  EXPECT_TRUE(job.conversations());
  EXPECT_FALSE(job.count().has_value());
  for (const unsigned threads : {1u, 3u}) {
    std::map<std::uint64_t, std::map<int, double>> turns;
    std::size_t rows = 0;
    Stream stream(job, {.threads = threads});
    while (const Batch* batch = stream.next()) {
      EXPECT_TRUE(batch->has_sessions());
      rows += batch->size();
      for (std::size_t i = 0; i < batch->size(); ++i) {
        if (batch->session_id()[i] == no_session) {
          EXPECT_EQ(batch->turn()[i], 1);
          EXPECT_TRUE(std::isnan(batch->delay()[i]));
        } else {
          turns[batch->session_id()[i]][batch->turn()[i]] = batch->timestamp()[i];
          EXPECT_EQ(batch->input_tokens()[i], 10u + (batch->turn()[i] - 1u) * 15u);
        }
      }
    }
    EXPECT_NEAR(static_cast<double>(rows), 3000, 100);
    EXPECT_GT(turns.size(), 300u);
    for (const auto& [session, times] : turns) {
      for (const auto& [turn, time] : times) {
        const auto next = times.find(turn + 1);
        if (next != times.end()) {
          EXPECT_NEAR(next->second - time, 3.0, 2e-9);
        }
        // What is missing lies outside of the job.
        if (next == times.end() && turn < 4) {
          EXPECT_GT(time + 3.0, 60.0 - 1e-6);
        }
        if (turn > 1 && !times.contains(turn - 1)) {
          EXPECT_LT(time - 3.0, 1e-6);
        }
      }
    }
  }
}

TEST(Sessions, AnAbandonedStreamEnds) {
  for (int i = 0; i < 5; ++i) {
    Stream stream(Job(chatting(20, 1.0), {.rate = 200.0, .duration = 6000.0}), {.threads = 4});
    EXPECT_NE(stream.next(), nullptr);
  }
}

TEST(Sessions, HashIdsAreDenseAndAsManyAsBlocks) {
  for (const bool has_prompts : {false, true}) {
    const Job job(chatting(4, 0.5, has_prompts), {.duration = 60.0, .block_size = 4});
    const std::uint64_t of_prompts = has_prompts ? 6 : 0;
    EXPECT_EQ(job.prompt_blocks().empty(), !has_prompts);
    Stream stream(job, {.threads = 2});
    std::vector<int> used;
    while (const Batch* batch = stream.next()) {
      ASSERT_TRUE(batch->has_hash_ids());
      for (std::size_t i = 0; i < batch->size(); ++i) {
        const auto begin = batch->hash_ids().offsets[i];
        const auto end = batch->hash_ids().offsets[i + 1];
        EXPECT_EQ(static_cast<std::uint32_t>(end - begin), (batch->input_tokens()[i] + 3) / 4);
        for (auto at = begin; at < end; ++at) {
          const std::uint32_t id = batch->hash_ids().values[static_cast<std::size_t>(at)];
          if (used.size() <= id) used.resize(id + 1);
          ++used[id];
        }
      }
    }
    ASSERT_GT(used.size(), 3000u);
    for (std::size_t id = of_prompts; id < used.size(); ++id) {
      EXPECT_GT(used[id], 0) << id;
    }
    if (has_prompts) {
      EXPECT_GT(used[0], 100);
    }
  }
}

TEST(SessionSpill, WaitsForEarlierWindowsAndCanBeCancelled) {
  SessionSpill spill(-2, 0, 2);
  bool cancelled = false;
  const Poller poller([&] {
    if (cancelled) throw Cancelled{};
  });
  SessionParcels late;
  late[0].row.push_back({.time_ns = 7, .session = 2});
  SessionParcels early;
  early[0].row.push_back({.time_ns = 5, .session = 1});
  spill.put(0, 1, late);
  std::thread other([&] { spill.put(-2, 0, early); });
  const SessionRows rows = spill.take(0, poller);
  other.join();
  ASSERT_EQ(rows.row.size(), 2u);
  EXPECT_EQ(rows.row[0].session, 1u);
  cancelled = true;
  EXPECT_THROW((void)spill.take(1, poller), Cancelled);
}

TEST(Text, SessionsOfEverySize) {
  Batch batch;
  Access::reset(batch, Category::language, 0, {.sessions = true});
  Columns& columns = Access::columns(batch);
  const std::vector<std::uint64_t> ids{0, 4294967296u, 10'000'000'000'000'000'007u, no_session};
  for (const std::uint64_t id : ids) {
    columns.timestamp.push_back(1);
    columns.client_id.push_back(0);
    columns.input_tokens.push_back(2);
    columns.output_tokens.push_back(3);
    columns.session_id.push_back(id);
    columns.turn.push_back(id == no_session ? 1 : 65535);
    columns.delay.push_back(id == no_session ? std::nan("") : 0.25);
  }
  Column<char> csv;
  append_rows(batch, TextFormat::csv, csv);
  EXPECT_EQ(std::string(csv.begin(), csv.end()),
            "1,0,2,3,0,65535,0.25\n1,0,2,3,4294967296,65535,0.25\n"
            "1,0,2,3,10000000000000000007,65535,0.25\n1,0,2,3,,1,\n");
  Column<char> json;
  append_rows(batch, TextFormat::jsonl, json);
  EXPECT_TRUE(std::string(json.begin(), json.end())
                  .ends_with("\"output_tokens\":3,\"session_id\":null,\"turn\":1,\"delay\":null}\n"));
}

// The ids of all windows may be more than 2^64, by how much whatever: they never start from 0 again.
TEST(Sessions, NumberOfIdsDoesNotOverflow) {
  const Profile profile = with_rare_giants();
  for (int windows = 4000; windows < 24000; windows += 2000) {
    EXPECT_THROW(Job(profile, {.rate_points = {{0, 8e8}}, .duration = 10.0 * windows}), std::invalid_argument)
        << windows;
  }
}

TEST(SessionRows, PlacesBeyond32BitsAreRefused) {
  EXPECT_EQ(session_place(0xFFFFFFFF), 0xFFFFFFFFu);
  EXPECT_THROW((void)session_place(std::size_t{1} << 32), std::length_error);
}

}  // namespace
}  // namespace tracetide
