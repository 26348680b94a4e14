// The two kinds of file in a ServeGen model folder (docs/design/tide-format.md, "From a ServeGen folder").
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "profile/builder.hpp"
#include "tracetide/profile.hpp"

namespace tracetide::servegen {

/// No time in a folder lies beyond this many seconds (about 30 years).
inline constexpr double max_time_s = 1e9;

/// `chunk-<i>-trace.csv`: the arrivals of a client, one row a window.
struct Arrivals {
  struct ActiveWindow {
    std::uint32_t window;
    Cell cell;
  };
  std::int64_t window_ns = 0;
  std::uint32_t windows = 0;
  std::vector<ActiveWindow> active{};
};

/// `chunk-<i>-dataset.json`: the lengths of a client, one PMF a field and epoch.
struct Lengths {
  /// Where a PMF lies in the vectors below; count 0 when nothing was seen.
  struct Slice {
    std::size_t first_value = 0;
    std::size_t first_probability = 0;
    std::size_t count = 0;
    bool named = false;  ///< whether the epoch names the field at all
  };
  struct Epoch {
    std::int64_t start_ns = 0;
    std::size_t line = 0;
    std::array<Slice, field_count> fields{};
  };
  std::vector<Epoch> epochs{};                  ///< ascending
  std::array<std::size_t, field_count> line{};  ///< where a field is named first; 0: nowhere
  std::vector<std::uint32_t> integers{};
  std::vector<double> ratios{};
  std::vector<double> probabilities{};
};

/// `buffer` is memory to reuse. @throws ProfileError naming file and line; std::filesystem::filesystem_error
[[nodiscard]] Arrivals read_arrivals(const std::filesystem::path& path, std::string& buffer);
[[nodiscard]] Lengths read_lengths(const std::filesystem::path& path, std::string& buffer);

/// "file:line: message" as a ProfileError.
[[noreturn]] void fail(const std::filesystem::path& path, std::size_t line, const std::string& message);

}  // namespace tracetide::servegen
