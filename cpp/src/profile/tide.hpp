// Layout of a `.tide` image (docs/design/tide-format.md is the reference), reading and writing it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tracetide/profile.hpp"

namespace tracetide::tide {

static_assert(std::endian::native == std::endian::little, "tracetide maps little-endian files as they are");
static_assert(sizeof(double) == 8);

/// Like PNG's: not text, and a transfer that converts line ends breaks it.
inline constexpr std::array<unsigned char, 8> magic = {0x89, 'T', 'I', 'D', 'E', '\r', '\n', 0x1A};
/// Version 2 has what version 1 has, and sections from `first_of_version_2` on; a file that has none of them
/// is of version 1, so that it stays as it was.
inline constexpr std::uint32_t newest_format_version = 2;
inline constexpr std::size_t alignment = 64;
inline constexpr std::uint32_t max_sections = 1024;

inline constexpr double max_rate = 1e12;  ///< requests/s of one client
inline constexpr double min_probability_sum = 1e-9;
inline constexpr double max_probability_sum = 1e9;
inline constexpr double max_tokens = 4294967295.0;
inline constexpr std::int64_t max_period_ns = std::int64_t{1} << 62;

struct Header {
  std::array<unsigned char, 8> magic;
  std::uint64_t checksum;  ///< of all bytes after this member
  std::uint32_t format_version;
  std::uint32_t section_count;
  std::uint64_t file_size;
  std::array<std::uint64_t, 4> reserved;  ///< 0
};
static_assert(sizeof(Header) == 64);
inline constexpr std::size_t checksum_begin = 16;

struct SectionEntry {
  std::uint32_t id;
  std::uint32_t flags;
  std::uint32_t element_size;
  std::uint32_t reserved;  ///< 0
  std::uint64_t offset;
  std::uint64_t count;
};
static_assert(sizeof(SectionEntry) == 32);
/// A reader that does not know a section with this flag must refuse the file; without it, ignore it.
inline constexpr std::uint32_t required_flag = 1;

enum class Section : std::uint32_t {
  grid = 1,
  metadata = 2,
  client_name_offsets = 3,
  client_names = 4,
  window_offsets = 5,
  cell_client = 6,
  cell_rate = 7,
  cell_shape = 8,
  cell_cv = 9,
  cell_family = 10,
  field_distribution = 11,
  distributions = 12,
  integer_values = 13,
  real_values = 14,
  probabilities = 15,
  correlations = 16,  ///< this and the following only where there are any
  session_models = 17,
  session_steps = 18,
  client_session = 19,
  prompt_models = 20,
  prompt_levels = 21,
  client_prompt = 22,
  gap_tables = 23,
  gap_probabilities = 24,
  rate_noise = 25,
  session_waits = 26,
  session_persistence = 27,
};
inline constexpr std::size_t section_count = 27;
inline constexpr Section first_of_version_2 = Section::gap_tables;
[[nodiscard]] std::string_view name(Section section) noexcept;

struct GridRecord {
  std::int64_t window_ns;
  std::int64_t epoch_ns;
  std::uint32_t windows;
  std::uint32_t epochs;
  std::uint32_t clients;
  std::uint8_t category;
  std::uint8_t default_counts;
  std::uint8_t fields;    ///< number of fields of the category
  std::uint8_t reserved;  ///< 0
};
static_assert(sizeof(GridRecord) == 32);

/// Distributions lie in the value and probability sections one after the other, in order and without
/// gaps or overlap, so that checking them is linear in the file's size.
struct DistributionRecord {
  std::uint32_t kind;
  std::uint32_t reserved;           ///< 0
  std::uint64_t first_value;        ///< in integer_values or real_values, by kind
  std::uint64_t first_probability;  ///< in probabilities; for quantiles, where the next PMF's start
  std::uint64_t count;
  double minimum;
  double maximum;
};
static_assert(sizeof(DistributionRecord) == 48);

/// Tables lie in the section of their probabilities as distributions do in theirs.
struct GapTableRecord {
  std::int32_t first_bin;
  std::uint32_t count;
  std::uint64_t first_probability;
};
static_assert(sizeof(GapTableRecord) == 16);
static_assert(sizeof(RateNoise) == 16);

static_assert(sizeof(Correlation) == 16);
static_assert(sizeof(SessionStep) == 40);
static_assert(sizeof(SessionModel) == 56);
static_assert(sizeof(SessionWaits) == 16);
static_assert(sizeof(SessionPersistence) == 24);
static_assert(sizeof(PromptLevel) == 16);
static_assert(sizeof(PromptModel) == 16);

/// The sections of an image. `grid` and `metadata` aside, spans of their elements.
struct View {
  GridRecord grid{};
  std::span<const char> metadata{};
  std::span<const std::uint64_t> client_name_offsets{};
  std::span<const char> client_names{};
  std::span<const std::uint64_t> window_offsets{};
  std::span<const std::uint32_t> cell_client{};
  std::span<const double> cell_rate{};
  std::span<const double> cell_shape{};
  std::span<const double> cell_cv{};
  std::span<const Family> cell_family{};
  std::span<const std::uint32_t> field_distribution{};  ///< [epoch][client][field]
  std::span<const DistributionRecord> distributions{};
  std::span<const std::uint32_t> integer_values{};
  std::span<const double> real_values{};
  std::span<const double> probabilities{};
  std::span<const Correlation> correlations{};
  std::span<const SessionModel> session_models{};
  std::span<const SessionStep> session_steps{};
  std::span<const std::uint32_t> client_session{};  ///< a model or `missing` by client; or empty
  std::span<const PromptModel> prompt_models{};
  std::span<const PromptLevel> prompt_levels{};
  std::span<const std::uint32_t> client_prompt{};  ///< as client_session
  std::span<const GapTableRecord> gap_tables{};
  std::span<const double> gap_probabilities{};
  std::span<const RateNoise> rate_noise{};        ///< by client; or empty
  std::span<const SessionWaits> session_waits{};  ///< by step; or empty
  std::span<const SessionPersistence> session_persistence{};
};

/// Lays out an image. The view's content is not checked here.
[[nodiscard]] std::vector<std::byte> write(const View& view);

/// Finds the sections of an image and checks everything, content included. `origin` names it in errors.
/// @throws ProfileError
[[nodiscard]] View read(std::span<const std::byte> image, const std::string& origin);

/// The content's part of read(): ranges, orders, references. @throws ProfileError
void check_content(const View& view, const std::string& origin);

}  // namespace tracetide::tide
