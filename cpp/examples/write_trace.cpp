// A profile that is made here, and its requests in a file of some format.
//
//   write_trace FORMAT FILE [requests/s] [seconds]
//
// FORMAT is csv, jsonl, or one of another tool, such as mooncake or vidur.
#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <tracetide/tracetide.hpp>

namespace {

// A chat and a client that summarizes: the first in bursts and more of it in the second half hour.
tracetide::Profile two_clients() {
  using namespace tracetide;
  constexpr std::int64_t minute = 60'000'000'000;
  ProfileBuilder builder(Category::language,
                         {.window_ns = 30 * minute, .windows = 2, .epoch_ns = 60 * minute, .epochs = 1},
                         Counts::pinned, R"({"name": "two-clients"})");
  const std::array<std::uint32_t, 3> first_of_bins{1, 200, 1000};
  const std::array<double, 3> of_prompts{0.5, 0.4, 0.1};
  const std::array<double, 3> quantiles{1, 150, 2000};
  const std::uint32_t short_prompts = builder.add_bins(first_of_bins, of_prompts, 4000);
  const std::uint32_t long_prompts = builder.add_quantiles(std::array{2000.0, 30000.0}, 1, 32768);
  const std::uint32_t answers = builder.add_quantiles(quantiles, 1, 4096);

  const std::uint32_t chat = builder.add_client("chat");
  builder.add_cell(chat, 0, {.rate = 5, .shape = 0.5, .cv = 1.41, .family = Family::gamma});
  builder.add_cell(chat, 1, {.rate = 20, .shape = 0.5, .cv = 1.41, .family = Family::gamma});
  builder.set_field(0, chat, Field::input_tokens, short_prompts);
  builder.set_field(0, chat, Field::output_tokens, answers);
  builder.set_correlation(chat, Field::input_tokens, Field::output_tokens, 0.3);

  const std::uint32_t summaries = builder.add_client("summaries");
  for (const std::uint32_t window : {0u, 1u}) builder.add_cell(summaries, window, {.rate = 2, .cv = 1});
  builder.set_field(0, summaries, Field::input_tokens, long_prompts);
  builder.set_field(0, summaries, Field::output_tokens, answers);
  return builder.build();
}

}  // namespace

int main(int count, char** arguments) try {
  if (count < 3) {
    std::fprintf(stderr, "usage: %s FORMAT FILE [requests/s] [seconds]\n", arguments[0]);
    return 2;
  }
  const double rate = count > 3 ? std::stod(arguments[3]) : 10;
  const double duration = count > 4 ? std::stod(arguments[4]) : 3600;

  const tracetide::Job job{two_clients(), {.rate = rate, .duration = duration}};
  tracetide::TextWriter writer{job, arguments[1]};
  std::ofstream file(arguments[2], std::ios::binary);
  file << writer.header();
  std::uint64_t rows = 0;
  while (const auto chunk = writer.next()) {
    file.write(chunk->text->data(), static_cast<std::streamsize>(chunk->text->size()));
    rows += chunk->rows;
  }
  file.close();
  if (!file) throw std::runtime_error(std::string(arguments[2]) + ": cannot be written");
  std::printf("%llu requests\n", static_cast<unsigned long long>(rows));
  for (const std::string& column : writer.left_out()) std::printf("left out: %s\n", column.c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
