// `chunk-<i>-trace.csv`: no header; start s, rate requests/s, CV, family, shape, scale. The family is empty
// when the client is idle. The scale follows from rate and shape and is not used.
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "base/message.hpp"
#include "profile/decimal_number.hpp"
#include "profile/files.hpp"
#include "profile/servegen_files.hpp"
#include "tracetide/error.hpp"

namespace tracetide::servegen {

void fail(const std::filesystem::path& path, std::size_t line, const std::string& message) {
  throw ProfileError(path_text(path) + ":" + std::to_string(line) + ": " + message);
}

namespace {

constexpr std::size_t column_count = 6;
using Columns = std::array<std::string_view, column_count>;

class ArrivalsReader {
 public:
  ArrivalsReader(const std::filesystem::path& path, std::string_view text) : path_(path), text_(text) {}

  Arrivals run() {
    while (!text_.empty()) {
      ++line_;
      read_row(next_line());
    }
    if (line_ < 2) {
      fail("the file has " + std::to_string(line_) +
           " rows; at least 2 are needed, as their distance is the "
           "length of a window");
    }
    arrivals_.windows = static_cast<std::uint32_t>(line_);
    return std::move(arrivals_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    servegen::fail(path_, line_ == 0 ? 1 : line_, message);
  }

  std::string_view next_line() {
    const std::size_t end = text_.find('\n');
    std::string_view line = text_.substr(0, end);
    text_.remove_prefix(end == text_.npos ? text_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  Columns split(std::string_view line) const {
    Columns columns;
    std::size_t count = 0;
    std::string_view rest = line;
    for (;; ++count) {
      const std::size_t comma = rest.find(',');
      if (count < column_count) columns[count] = rest.substr(0, comma);
      if (comma == rest.npos) break;
      rest.remove_prefix(comma + 1);
    }
    if (++count != column_count) {
      fail(std::to_string(count) + " columns in " + excerpt(line) +
           "; 6 expected: start s, rate, CV, family, shape, scale");
    }
    return columns;
  }

  double number(std::string_view text, const char* column, double low, double high,
                const char* allowed) const {
    double value = 0;
    const bool whole =
        read_decimal(text.data(), text.data() + text.size(), value) == text.data() + text.size();
    if (!whole || !(value >= low && value <= high)) {  // written so that NaN fails
      fail(std::string(column) + " " + excerpt(text) + "; allowed: " + allowed);
    }
    return value;
  }

  void check_start(std::string_view text) {
    const double start_s = number(text, "start", 0, max_time_s, "seconds from 0 to 1e9");
    const std::int64_t start_ns = std::llround(start_s * 1e9);
    if (line_ == 1) {
      if (start_ns != 0) fail("the first window starts at " + excerpt(text) + " s; 0 expected");
      return;
    }
    if (line_ == 2) {
      if (start_ns <= 0) fail("start " + excerpt(text) + " s is not after the row before");
      arrivals_.window_ns = start_ns;
      return;
    }
    const std::int64_t expected = arrivals_.window_ns * static_cast<std::int64_t>(line_ - 1);
    if (start_ns != expected) {
      fail("start " + excerpt(text) + " s; " + number_text(static_cast<double>(expected) * 1e-9) +
           " expected, as windows are " + number_text(static_cast<double>(arrivals_.window_ns) * 1e-9) +
           " s long, in order, and none is left out");
    }
  }

  void read_row(std::string_view line) {
    const Columns columns = split(line);
    check_start(columns[0]);
    constexpr double finite = std::numeric_limits<double>::max();
    Cell cell;
    cell.rate = number(columns[1], "rate", 0, tide::max_rate, "requests/s from 0 to 1e12");
    cell.cv = number(columns[2], "CV", 0, finite, "a finite number of at least 0");
    const std::string_view family = columns[3];
    if (family == "Gamma") {
      cell.family = Family::gamma;
    } else if (family == "Weibull") {
      cell.family = Family::weibull;
    } else if (family != "Exponential" && !family.empty()) {
      fail("family " + excerpt(family) +
           "; allowed: Exponential, Gamma, Weibull, or empty for an idle window");
    }
    (void)number(columns[5], "scale", 0, finite, "a finite number of at least 0");
    if (cell.rate == 0) {
      (void)number(columns[4], "shape", 0, finite, "a finite number of at least 0");
      return;
    }
    if (family.empty()) {
      fail("rate " + excerpt(columns[1]) +
           " without a family; allowed: Exponential, Gamma, Weibull, "
           "or rate 0 for an idle window");
    }
    const bool has_shape = cell.family != Family::exponential;
    cell.shape = number(columns[4], "shape", has_shape ? min_shape : 0, has_shape ? max_shape : finite,
                        "from 0.005 to 1e5");
    if (!has_shape) cell.shape = 1;
    arrivals_.active.push_back({static_cast<std::uint32_t>(line_ - 1), cell});
  }

  const std::filesystem::path& path_;
  std::string_view text_;
  std::size_t line_ = 0;
  Arrivals arrivals_{};
};

}  // namespace

Arrivals read_arrivals(const std::filesystem::path& path, std::string& buffer) {
  read_file(path, buffer);
  return ArrivalsReader(path, buffer).run();
}

}  // namespace tracetide::servegen
