// A profile made and a trace written with nothing but the public headers.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>
#include <tracetide/tracetide.hpp>
#include <utility>
#include <vector>

namespace tracetide {
namespace {

constexpr Grid grid{.window_ns = 10'000'000'000, .windows = 6, .epoch_ns = 60'000'000'000, .epochs = 1};

ProfileBuilder one_client() {
  ProfileBuilder builder(Category::language, grid, Counts::pinned, R"({"name": "one"})");
  const std::uint32_t client = builder.add_client("a");
  for (std::uint32_t window = 0; window < grid.windows; ++window)
    builder.add_cell(client, window, {.rate = 100, .cv = 1});
  const std::uint32_t lengths =
      builder.add_integer_pmf(std::array<std::uint32_t, 2>{1, 500}, std::array{0.5, 0.5});
  builder.set_field(0, client, Field::input_tokens, lengths);
  builder.set_field(0, client, Field::output_tokens, lengths);
  return builder;
}

template <class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

std::string text_of(TextWriter writer) {
  std::string text = writer.header();
  while (const auto chunk = writer.next()) text.append(chunk->text->begin(), chunk->text->end());
  return text;
}

TEST(ProfileBuilder, MakesAProfile) {
  ProfileBuilder builder = one_client();
  const Profile profile = builder.build();
  EXPECT_EQ(profile.clients(), 1u);
  EXPECT_EQ(profile.client_name(0), "a");
  EXPECT_EQ(profile.metadata(), R"({"name": "one"})");
  EXPECT_EQ(profile.recorded(0, 0, 1), 0u);

  EXPECT_EQ(builder.add_copy(profile, 0, "b", 2), 1u);
  const Profile two = builder.build();
  ASSERT_EQ(two.cells(0).rate.size(), 2u);
  EXPECT_EQ(two.cells(0).rate[1], 200);
}

TEST(ProfileBuilder, RefusesAFieldOfAnotherCategoryAndAnObjectThatIsGone) {
  ProfileBuilder builder = one_client();
  EXPECT_EQ(error_of([&] { builder.set_field(0, 0, Field::image_tokens, 0); }),
            "field image_tokens; the category language does not have it");
  EXPECT_THROW(builder.add_cell(7, 0, {.rate = 1}), ProfileError);
  ProfileBuilder other = std::move(builder);
  EXPECT_THROW((void)builder.build(), std::logic_error);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(other.category(), Category::language);
}

TEST(TextWriter, WritesEveryRowOnceWhateverTheThreads) {
  const Job job(one_client().build(), {.duration = 300.0, .seed = 3});
  const std::string expected = text_of({job, "csv", {.threads = 1}});
  EXPECT_EQ(expected.substr(0, expected.find('\n') + 1), "timestamp,client_id,input_tokens,output_tokens\n");
  EXPECT_EQ(std::count(expected.begin(), expected.end(), '\n'), 1 + 30000);
  EXPECT_EQ(text_of({job, "csv", {.threads = 3}}), expected);

  TextWriter first(job, "csv", {.last_window = 10});
  TextWriter rest(job, "csv", {.first_window = 10});
  std::string parts = first.header();
  for (TextWriter* part : {&first, &rest})
    while (const auto chunk = part->next()) parts.append(chunk->text->begin(), chunk->text->end());
  EXPECT_EQ(parts, expected);
}

TEST(TextWriter, WritesFormatsOfOtherTools) {
  const Job job(one_client().build(), {.duration = 60.0, .seed = 3});
  TextWriter mooncake(job, "mooncake", {.hash_ids = HashIds::leave});
  EXPECT_EQ(mooncake.header(), "");
  EXPECT_TRUE(mooncake.left_out().empty());
  std::uint64_t rows = 0;
  while (const auto chunk = mooncake.next()) rows += chunk->rows;
  EXPECT_EQ(rows, 6000u);
  EXPECT_EQ(mooncake.rows_without_tokens(), 0u);
  EXPECT_EQ(TextWriter(job, "azure").left_out(), std::vector<std::string>{"client_id"});
}

TEST(TextWriter, SaysWhatIsWrong) {
  const Job job(one_client().build(), {.duration = 60.0});
  const std::string unknown = error_of([&] { TextWriter(job, "xml"); });
  EXPECT_EQ(unknown.find("format: 'xml' is not known"), 0u) << unknown;
  EXPECT_NE(unknown.find(", csv, jsonl"), std::string::npos) << unknown;
  EXPECT_EQ(error_of([&] { TextWriter(job, "vidur", {.first_window = 1}); }),
            "format: vidur is not allowed for some windows; what it writes may depend on those before");
  EXPECT_THROW(TextWriter(job, "csv", {.first_window = 6}), std::invalid_argument);
  TextWriter writer(job, "csv");
  const TextWriter other = std::move(writer);
  EXPECT_THROW((void)writer.next(), std::logic_error);  // NOLINT(bugprone-use-after-move)
}

TEST(KernelLevels, TheBestIsOneThatCanBeAskedFor) {
  const std::vector<KernelLevel> levels = kernel_levels();
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels.back(), KernelLevel::baseline);
  EXPECT_EQ(name(levels.back()), "baseline");
  std::array<double, 3> best{};
  laws::Exponential().sample(best, {.kernels = KernelLevel::best});
  for (const KernelLevel level : levels) {
    std::array<double, 3> found{};
    laws::Exponential().sample(found, {.kernels = level});
    EXPECT_EQ(found, best) << name(level);
  }
}

}  // namespace
}  // namespace tracetide
