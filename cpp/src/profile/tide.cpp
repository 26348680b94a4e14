#include "profile/tide.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <limits>
#include <system_error>
#include <thread>

#include "profile/checksum.hpp"
#include "tracetide/error.hpp"

namespace tracetide::tide {

namespace {

constexpr std::array<std::string_view, section_count> section_names = {
    "GRID",           "METADATA",      "CLIENT_NAME_OFFSETS", "CLIENT_NAMES",
    "WINDOW_OFFSETS", "CELL_CLIENT",   "CELL_RATE",           "CELL_SHAPE",
    "CELL_CV",        "CELL_FAMILY",   "FIELD_DISTRIBUTION",  "DISTRIBUTIONS",
    "INTEGER_VALUES", "REAL_VALUES",   "PROBABILITIES",       "CORRELATIONS",
    "SESSION_MODELS", "SESSION_STEPS", "CLIENT_SESSION",      "PROMPT_MODELS",
    "PROMPT_LEVELS",  "CLIENT_PROMPT", "GAP_TABLES",          "GAP_PROBABILITIES",
    "RATE_NOISE",     "SESSION_WAITS", "SESSION_PERSISTENCE",
};

constexpr std::size_t align_up(std::size_t value) noexcept {
  return (value + alignment - 1) / alignment * alignment;
}

/// Calls visit(section, span) for every section that is an array; the one list that reader and writer
/// share.
template <typename ViewType, typename Visit>
void for_each_array(ViewType& view, Visit&& visit) {
  visit(Section::metadata, view.metadata);
  visit(Section::client_name_offsets, view.client_name_offsets);
  visit(Section::client_names, view.client_names);
  visit(Section::window_offsets, view.window_offsets);
  visit(Section::cell_client, view.cell_client);
  visit(Section::cell_rate, view.cell_rate);
  visit(Section::cell_shape, view.cell_shape);
  visit(Section::cell_cv, view.cell_cv);
  visit(Section::cell_family, view.cell_family);
  visit(Section::field_distribution, view.field_distribution);
  visit(Section::distributions, view.distributions);
  visit(Section::integer_values, view.integer_values);
  visit(Section::real_values, view.real_values);
  visit(Section::probabilities, view.probabilities);
  visit(Section::correlations, view.correlations);
  visit(Section::session_models, view.session_models);
  visit(Section::session_steps, view.session_steps);
  visit(Section::client_session, view.client_session);
  visit(Section::prompt_models, view.prompt_models);
  visit(Section::prompt_levels, view.prompt_levels);
  visit(Section::client_prompt, view.client_prompt);
  visit(Section::gap_tables, view.gap_tables);
  visit(Section::gap_probabilities, view.gap_probabilities);
  visit(Section::rate_noise, view.rate_noise);
  visit(Section::session_waits, view.session_waits);
  visit(Section::session_persistence, view.session_persistence);
}

/// Sections that are written only when they have elements.
constexpr bool is_optional(Section section) noexcept { return section >= Section::correlations; }

std::string section_label(std::uint32_t id) {
  if (id >= 1 && id <= section_count) return "section " + std::string(section_names[id - 1]);
  return "section " + std::to_string(id);
}

[[noreturn]] void fail(const std::string& origin, const std::string& message) {
  throw ProfileError(origin + ": " + message);
}

Header read_header(std::span<const std::byte> image, const std::string& origin) {
  if (image.size() < sizeof(Header)) {
    fail(origin, "not a .tide file: " + std::to_string(image.size()) + " bytes, shorter than its header of " +
                     std::to_string(sizeof(Header)));
  }
  Header header;
  std::memcpy(&header, image.data(), sizeof(Header));
  if (header.magic != magic) fail(origin, "not a .tide file: it does not start with the signature of one");
  if (header.format_version < 1 || header.format_version > newest_format_version) {
    fail(origin, "format version " + std::to_string(header.format_version) +
                     (header.format_version > newest_format_version ? ", written by a newer tracetide" : "") +
                     "; this one reads versions 1 to " + std::to_string(newest_format_version));
  }
  if (header.file_size != image.size()) {
    fail(origin, "the header says " + std::to_string(header.file_size) + " bytes, there are " +
                     std::to_string(image.size()) + ": the file is truncated or has been appended to");
  }
  if (header.section_count > max_sections) {
    fail(origin, std::to_string(header.section_count) + " sections; at most " + std::to_string(max_sections) +
                     " are allowed");
  }
  return header;
}

void check_extent(const SectionEntry& entry, std::size_t table_end, std::size_t image_size,
                  const std::string& origin) {
  const std::string label = section_label(entry.id);
  if (entry.element_size == 0) fail(origin, label + ": element size 0");
  if (entry.offset % alignment != 0) {
    fail(origin, label + ": offset " + std::to_string(entry.offset) + " is not a multiple of " +
                     std::to_string(alignment));
  }
  const bool inside = entry.offset >= table_end && entry.offset <= image_size &&
                      entry.count <= (image_size - entry.offset) / entry.element_size;
  if (!inside) {
    fail(origin, label + ": " + std::to_string(entry.count) + " elements of " +
                     std::to_string(entry.element_size) + " bytes at offset " + std::to_string(entry.offset) +
                     " are not inside the file's " + std::to_string(image_size) + " bytes");
  }
}

/// The table in order of offsets, checked: inside the file, aligned, no overlap, no section twice.
std::vector<SectionEntry> read_table(std::span<const std::byte> image, const Header& header,
                                     const std::string& origin) {
  const std::size_t table_end = sizeof(Header) + header.section_count * sizeof(SectionEntry);
  if (table_end > image.size()) fail(origin, "the section table does not fit in the file");
  std::vector<SectionEntry> table(header.section_count);
  if (!table.empty()) {
    std::memcpy(table.data(), image.data() + sizeof(Header), table.size() * sizeof(SectionEntry));
  }
  for (const SectionEntry& entry : table) check_extent(entry, table_end, image.size(), origin);

  std::ranges::sort(table, {}, &SectionEntry::id);
  const auto twice = std::ranges::adjacent_find(table, {}, &SectionEntry::id);
  if (twice != table.end()) fail(origin, section_label(twice->id) + " is there twice");
  std::ranges::stable_sort(table, {}, &SectionEntry::offset);
  std::uint64_t end = table_end;
  for (const SectionEntry& entry : table) {
    if (entry.count == 0) continue;
    if (entry.offset < end) fail(origin, section_label(entry.id) + " overlaps another section");
    end = entry.offset + entry.count * entry.element_size;
  }
  return table;
}

const SectionEntry& find(const std::vector<SectionEntry>& table, Section section, std::size_t element_size,
                         const std::string& origin) {
  const auto id = static_cast<std::uint32_t>(section);
  const auto entry = std::ranges::find(table, id, &SectionEntry::id);
  if (entry == table.end()) fail(origin, section_label(id) + " is missing");
  if (entry->element_size != element_size) {
    fail(origin, section_label(id) + ": elements of " + std::to_string(entry->element_size) + " bytes; " +
                     std::to_string(element_size) + " expected");
  }
  return *entry;
}

bool contains(const std::vector<SectionEntry>& table, Section section) noexcept {
  return std::ranges::find(table, static_cast<std::uint32_t>(section), &SectionEntry::id) != table.end();
}

View find_sections(std::span<const std::byte> image, const std::string& origin) {
  const Header header = read_header(image, origin);
  const std::vector<SectionEntry> table = read_table(image, header, origin);
  for (const SectionEntry& entry : table) {
    const bool known = entry.id >= 1 && entry.id <= section_count;
    if (!known && (entry.flags & required_flag) != 0) {
      fail(origin,
           section_label(entry.id) + " is required and unknown here: a newer tracetide wrote this file");
    }
    if (known && entry.id >= static_cast<std::uint32_t>(first_of_version_2) && header.format_version < 2)
      fail(origin, section_label(entry.id) + " in a file of format version 1, which has none");
  }
  View view;
  const SectionEntry& grid = find(table, Section::grid, sizeof(GridRecord), origin);
  if (grid.count != 1) fail(origin, "section GRID: " + std::to_string(grid.count) + " elements; 1 expected");
  std::memcpy(&view.grid, image.data() + grid.offset, sizeof(GridRecord));
  for_each_array(view, [&]<typename T>(Section section, std::span<const T>& array) {
    if (is_optional(section) && !contains(table, section)) return;
    const SectionEntry& entry = find(table, section, sizeof(T), origin);
    array = {reinterpret_cast<const T*>(image.data() + entry.offset), static_cast<std::size_t>(entry.count)};
  });
  return view;
}

bool checksum_holds(std::span<const std::byte> image) noexcept {
  std::uint64_t expected;
  std::memcpy(&expected, image.data() + offsetof(Header, checksum), sizeof(expected));
  return checksum(image.subspan(checksum_begin)) == expected;
}

[[noreturn]] void fail_checksum(const std::string& origin) {
  fail(origin, "the checksum does not match: the file is damaged or was changed");
}

/// The checksum on a thread of its own while the content is checked on this one.
void check_concurrently(std::span<const std::byte> image, const View& view, const std::string& origin) {
  bool sound = false;
  std::exception_ptr content_error;
  {
    std::thread worker([&] { sound = checksum_holds(image); });
    try {
      check_content(view, origin);
    } catch (...) {
      content_error = std::current_exception();
    }
    worker.join();
  }
  if (!sound) fail_checksum(origin);
  if (content_error) std::rethrow_exception(content_error);
}

}  // namespace

std::string_view name(Section section) noexcept {
  return section_names[static_cast<std::size_t>(section) - 1];
}

std::vector<std::byte> write(const View& view) {
  std::vector<SectionEntry> table;
  std::size_t sections = 1;
  for_each_array(view, [&]<typename T>(Section section, std::span<const T> array) {
    sections += is_optional(section) && array.empty() ? 0 : 1;
  });
  table.reserve(sections);
  std::size_t end = align_up(sizeof(Header) + sections * sizeof(SectionEntry));
  const auto place = [&](Section section, std::size_t element_size, std::size_t count) {
    table.push_back({static_cast<std::uint32_t>(section), required_flag,
                     static_cast<std::uint32_t>(element_size), 0, end, count});
    end = align_up(end + element_size * count);
  };
  place(Section::grid, sizeof(GridRecord), 1);
  for_each_array(view, [&]<typename T>(Section section, std::span<const T> array) {
    if (!(is_optional(section) && array.empty())) place(section, sizeof(T), array.size());
  });

  std::vector<std::byte> image(end);
  auto entry = table.cbegin();
  std::memcpy(image.data() + (entry++)->offset, &view.grid, sizeof(GridRecord));
  for_each_array(view, [&]<typename T>(Section section, std::span<const T> array) {
    if (is_optional(section) && array.empty()) return;
    if (!array.empty()) std::memcpy(image.data() + entry->offset, array.data(), array.size_bytes());
    ++entry;
  });
  std::memcpy(image.data() + sizeof(Header), table.data(), table.size() * sizeof(SectionEntry));
  const bool needs_version_2 = std::ranges::any_of(
      table, [](const SectionEntry& at) { return at.id >= static_cast<std::uint32_t>(first_of_version_2); });
  Header header{magic,        0, needs_version_2 ? 2u : 1u, static_cast<std::uint32_t>(table.size()),
                image.size(), {}};
  std::memcpy(image.data(), &header, sizeof(Header));
  header.checksum = checksum(std::span<const std::byte>(image).subspan(checksum_begin));
  std::memcpy(image.data(), &header, sizeof(Header));
  return image;
}

View read(std::span<const std::byte> image, const std::string& origin) {
  const View view = find_sections(image, origin);
  constexpr std::size_t worth_a_thread = std::size_t{4} << 20;
  if (image.size() >= worth_a_thread) {
    try {
      check_concurrently(image, view, origin);
      return view;
    } catch (const std::system_error&) {
      // No thread to be had: one after the other.
    }
  }
  if (!checksum_holds(image)) fail_checksum(origin);
  check_content(view, origin);
  return view;
}

}  // namespace tracetide::tide
