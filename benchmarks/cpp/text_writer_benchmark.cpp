// Rows per second of text formatting on one thread, beside the ways of the standard library.
//   text_writer_benchmark [ROWS [REPEATS]]
// The best of the repeats is printed; all writers take turns in each repeat, so that noise meets all alike.
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "base/access.hpp"
#include "tracetide/batch.hpp"
#include "writers/text.hpp"

namespace {

using tracetide::Batch;
using tracetide::Category;
using tracetide::Column;
using tracetide::TextFormat;

// splitmix64: the rows only have to look real.
class Noise {
 public:
  std::uint64_t bits() noexcept {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  double uniform() noexcept { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1p-53; }
  std::uint32_t log_normal(double median, double sigma) noexcept {
    const double normal = std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform());
    return static_cast<std::uint32_t>(std::clamp(median * std::exp(sigma * normal), 1.0, 150'000.0));
  }

 private:
  std::uint64_t state_ = 1;
};

// 5,000 requests/s from the third day on, skewed clients, lengths as in ServeGen's data.
Batch make_batch(Category category, std::size_t rows) {
  Batch batch;
  tracetide::Access::reset(batch, category, 0);
  tracetide::Columns& columns = tracetide::Access::columns(batch);
  Noise noise;
  double ns = 3 * 86400e9;
  const auto add_items = [&noise](tracetide::ListColumn& list, double mean) {
    if (list.offsets.empty()) list.offsets.push_back(0);
    const auto items = static_cast<int>(-std::log(noise.uniform()) * mean);
    for (int i = 0; i < items; ++i) list.values.push_back(noise.log_normal(600, 0.8));
    list.offsets.push_back(static_cast<std::int32_t>(list.values.size()));
  };
  for (std::size_t row = 0; row < rows; ++row) {
    ns += std::floor(-std::log(noise.uniform()) * 200'000);
    columns.timestamp.push_back(ns / 1e9);
    columns.client_id.push_back(static_cast<std::uint32_t>(160 * std::pow(noise.uniform(), 4)));
    columns.input_tokens.push_back(noise.log_normal(900, 1.3));
    columns.output_tokens.push_back(noise.log_normal(250, 0.9));
    if (category == Category::reason) columns.reason_tokens.push_back(noise.log_normal(400, 1));
    if (category == Category::multimodal) {
      columns.text_tokens.push_back(noise.log_normal(300, 1));
      add_items(columns.image_tokens, 2);
      add_items(columns.audio_tokens, 0.3);
      add_items(columns.video_tokens, 0.2);
    }
  }
  return batch;
}

// What one writes first: printf for the rows of a language trace.
void printf_rows(const Batch& batch, TextFormat format, Column<char>& out) {
  std::array<char, 256> line;
  const char* const layout =
      format == TextFormat::csv
          ? "%.9f,%u,%u,%u\n"
          : "{\"timestamp\":%.9f,\"client_id\":%u,\"input_tokens\":%u,\"output_tokens\":%u}\n";
  for (std::size_t row = 0; row < batch.size(); ++row) {
    const int size =
        std::snprintf(line.data(), line.size(), layout, batch.timestamp()[row], batch.client_id()[row],
                      batch.input_tokens()[row], batch.output_tokens()[row]);
    out.insert(out.end(), line.data(), line.data() + size);
  }
}

// What one writes second: std::to_chars, the shortest text that gives the same double.
void to_chars_rows(const Batch& batch, TextFormat format, Column<char>& out) {
  std::array<char, 256> line;
  const bool json = format == TextFormat::jsonl;
  for (std::size_t row = 0; row < batch.size(); ++row) {
    char* to = line.data();
    char* const end = line.data() + line.size();
    const auto text = [&to](std::string_view part) { to = std::copy(part.begin(), part.end(), to); };
    if (json) text("{\"timestamp\":");
    to = std::to_chars(to, end, batch.timestamp()[row], std::chars_format::fixed).ptr;
    text(json ? ",\"client_id\":" : ",");
    to = std::to_chars(to, end, batch.client_id()[row]).ptr;
    text(json ? ",\"input_tokens\":" : ",");
    to = std::to_chars(to, end, batch.input_tokens()[row]).ptr;
    text(json ? ",\"output_tokens\":" : ",");
    to = std::to_chars(to, end, batch.output_tokens()[row]).ptr;
    text(json ? "}\n" : "\n");
    out.insert(out.end(), line.data(), to);
  }
}

struct Writer {
  std::string_view name;
  std::function<void(const Batch&, TextFormat, Column<char>&)> append;
  double best_s = 1e9;
  std::size_t bytes = 0;
};

void compare(std::string_view title, const Batch& batch, TextFormat format, int repeats,
             std::vector<Writer> writers) {
  Column<char> text;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (Writer& writer : writers) {
      text.clear();
      const auto start = std::chrono::steady_clock::now();
      writer.append(batch, format, text);
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
      writer.best_s = std::min(writer.best_s, passed.count());
      writer.bytes = text.size();
    }
  }
  for (const Writer& writer : writers) {
    const auto rows = static_cast<double>(batch.size());
    const auto bytes = static_cast<double>(writer.bytes);
    std::printf("%-18.*s %-12.*s %8.1f M rows/s %7.2f ns/row %6.2f GB/s %6.1f B/row\n",
                static_cast<int>(title.size()), title.data(), static_cast<int>(writer.name.size()),
                writer.name.data(), rows / writer.best_s / 1e6, writer.best_s / rows * 1e9,
                bytes / writer.best_s / 1e9, bytes / rows);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto rows = static_cast<std::size_t>(number_argument(argc, argv, 1, 65'536));
  const int repeats = static_cast<int>(number_argument(argc, argv, 2, 50));
  const Batch language = make_batch(Category::language, rows);
  for (const auto& [title, format] :
       {std::pair{"CSV", TextFormat::csv}, std::pair{"JSON lines", TextFormat::jsonl}}) {
    compare(
        title, language, format, repeats,
        {{"append_rows", tracetide::append_rows}, {"to_chars", to_chars_rows}, {"snprintf", printf_rows}});
    compare(std::string(title) + " reason", make_batch(Category::reason, rows), format, repeats,
            {{"append_rows", tracetide::append_rows}});
    compare(std::string(title) + " multimodal", make_batch(Category::multimodal, rows), format, repeats,
            {{"append_rows", tracetide::append_rows}});
  }
}
