#include "profile/tide.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <random>
#include <system_error>

#include "profile/builder.hpp"
#include "profile/checksum.hpp"
#include "temporary_folder.hpp"
#include "tracetide/error.hpp"

namespace tracetide {
namespace {

namespace fs = std::filesystem;
using Image = std::vector<std::byte>;
using tide::Section;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Two clients, a PMF of each kind, everything non-empty.
Image small_image() {
  ImageBuilder builder(Category::reason, {600, 3, 600, 2}, Counts::pinned, R"({"name": "small"})");
  builder.add_client("first");
  builder.add_client("second");
  for (const std::uint32_t window : {0u, 2u}) {
    builder.add_cell(0, window, {1.5, 0.5, 1.2, Family::gamma});
    builder.add_cell(1, window, {2.5, 1, nan, Family::exponential});
  }
  const std::vector<std::uint32_t> tokens = {1, 2, 300};
  const std::vector<double> probabilities = {0.5, 0.25, 0.25};
  const std::vector<double> ratios = {0, 0.5, 1};
  const std::vector<double> knots = {1, 2, 2, 9};
  const auto integer = builder.add_integer_pmf(tokens, probabilities);
  const auto real = builder.add_real_pmf(ratios, probabilities);
  const auto quantiles = builder.add_quantiles(knots, 1, 9);
  builder.set_field(0, 0, 0, integer);
  builder.set_field(0, 0, 1, quantiles);
  builder.set_field(0, 0, 2, real);
  return builder.image();
}

template <typename T>
T load(const Image& image, std::size_t offset) {
  T value;
  std::memcpy(&value, image.data() + offset, sizeof(T));
  return value;
}
template <typename T>
void store(Image& image, std::size_t offset, T value) {
  std::memcpy(image.data() + offset, &value, sizeof(T));
}

/// Makes the checksum right, as a forger would.
void seal(Image& image) {
  if (image.size() < sizeof(tide::Header)) return;
  store(image, offsetof(tide::Header, checksum), checksum(std::span<const std::byte>(image).subspan(16)));
}

std::size_t entry_offset(Section section) {
  return sizeof(tide::Header) + (static_cast<std::size_t>(section) - 1) * sizeof(tide::SectionEntry);
}
std::size_t data_offset(const Image& image, Section section) {
  return load<tide::SectionEntry>(image, entry_offset(section)).offset;
}

std::string error_of(Image image) {
  try {
    (void)Profile::from_image(std::move(image), "some.tide");
  } catch (const ProfileError& error) {
    EXPECT_EQ(std::string(error.what()).find("some.tide: "), 0u);
    return error.what();
  }
  return "no error";
}

void expect_error(Image image, const std::string& part) {
  seal(image);
  const std::string message = error_of(std::move(image));
  EXPECT_NE(message.find(part), std::string::npos) << "expected: " << part << "\nfound: " << message;
}

/// A value of type T put into a section at an entry's place, plus some bytes.
template <typename T>
Image with(Section section, std::size_t bytes, T value) {
  Image image = small_image();
  store(image, data_offset(image, section) + bytes, value);
  return image;
}

Image with_entry(Section section, const std::function<void(tide::SectionEntry&)>& change) {
  Image image = small_image();
  auto entry = load<tide::SectionEntry>(image, entry_offset(section));
  change(entry);
  store(image, entry_offset(section), entry);
  return image;
}

TEST(Checksum, SeesEveryChangedBitAndLength) {
  Image bytes(200);
  const auto all = checksum(bytes);
  EXPECT_NE(checksum(std::span(bytes).first(199)), all);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(checksum(bytes), all);
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

TEST(Checksum, StaysAsItIsWritten) {
  Image bytes(100);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  EXPECT_EQ(checksum(bytes), 0x144B38D8D57341C4u);
}

TEST(Tide, ReadsWhatItWrote) {
  const TemporaryFolder folder;
  const Profile made = Profile::from_image(small_image());
  made.write(folder / "small.tide");
  made.write(folder / "small.tide");  // over an existing one
  EXPECT_EQ(folder.files(), 1);
  const Profile opened = Profile::open(folder / "small.tide");
  EXPECT_TRUE(std::ranges::equal(opened.image(), made.image()));
  EXPECT_EQ(opened.metadata(), R"({"name": "small"})");
  EXPECT_EQ(opened.client_name(1), "second");
  EXPECT_EQ(opened.resolved(1, 0, 2), opened.recorded(0, 0, 2));
}

TEST(Tide, LivesOnWhenTheFileIsReplacedOrRemoved) {
  const TemporaryFolder folder;
  const fs::path path = folder / "p.tide";
  Profile::from_image(small_image()).write(path);
  const Profile opened = Profile::open(path);
  Profile::from_image(small_image()).write(path);
  fs::remove(path);
  EXPECT_EQ(opened.client_name(0), "first");
}

TEST(Tide, LeavesNothingBehindWhenWritingFails) {
  const TemporaryFolder folder;
  const Profile profile = Profile::from_image(small_image());
  EXPECT_THROW(profile.write(folder / "no/such/folder.tide"), std::system_error);
  fs::create_directory(folder / "folder");
  try {
    profile.write(folder / "folder");
    ADD_FAILURE();
  } catch (const fs::filesystem_error& error) {
    EXPECT_EQ(error.path1(), folder / "folder");
  }
  EXPECT_EQ(folder.files(), 1);
}

#ifndef _WIN32

TEST(Tide, KeepsTheRightsAndTheLinkOfWhatItReplaces) {
  const TemporaryFolder folder;
  const Profile profile = Profile::from_image(small_image());
  const fs::perms own = fs::perms::owner_read | fs::perms::owner_write;
  fs::create_symlink("p.tide", folder / "link.tide");
  profile.write(folder / "link.tide");  // what it stands for is not there yet
  fs::permissions(folder / "p.tide", own);
  profile.write(folder / "link.tide");
  EXPECT_TRUE(fs::is_symlink(folder / "link.tide"));
  EXPECT_EQ(fs::status(folder / "p.tide").permissions(), own);
  EXPECT_EQ(Profile::open(folder / "p.tide").client_name(0), "first");
  EXPECT_EQ(folder.files(), 2);
}

TEST(Tide, ReplacesNothingThatIsReadOnlyOrNoFile) {
  const TemporaryFolder folder;
  const Profile profile = Profile::from_image(small_image());
  std::ofstream(folder / "p.tide") << "mine";
  fs::permissions(folder / "p.tide", fs::perms::owner_read);
  EXPECT_THROW(profile.write(folder / "p.tide"), fs::filesystem_error);
  EXPECT_EQ(fs::file_size(folder / "p.tide"), 4U);
  EXPECT_EQ(folder.files(), 1);
  profile.write("/dev/null");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  fs::create_symlink("/dev/full", folder / "full.tide");
  if (!fs::exists(folder / "full.tide")) GTEST_SKIP() << "there is no /dev/full";
  EXPECT_THROW(profile.write(folder / "full.tide"), fs::filesystem_error);
}

TEST(Tide, RemovesWhatAKilledProcessHasLeftOfTheSameFile) {
  const TemporaryFolder folder;
  std::ofstream(folder / ".p.tide.0123456789ab.partial") << "left";
  std::ofstream(folder / ".q.tide.0123456789ab.partial") << "of another file";
  std::ofstream(folder / ".p.tide.mine.partial") << "no such name";
  Profile::from_image(small_image()).write(folder / "p.tide");
  EXPECT_FALSE(fs::exists(folder / ".p.tide.0123456789ab.partial"));
  EXPECT_EQ(folder.files(), 3);
}

#endif

TEST(Tide, SaysWhichFileCannotBeRead) {
  const TemporaryFolder folder;
  try {
    (void)Profile::open(folder / "none.tide");
    ADD_FAILURE();
  } catch (const fs::filesystem_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_EQ(error.path1(), folder / "none.tide");
  }
  EXPECT_THROW((void)Profile::open(fs::temp_directory_path()), std::system_error);
  std::ofstream(folder / "empty.tide").close();
  EXPECT_THROW((void)Profile::open(folder / "empty.tide"), ProfileError);
}

TEST(Tide, RefusesEveryTruncation) {
  const Image image = small_image();
  for (std::size_t size = 0; size < image.size(); size += 7) {
    Image part(image.begin(), image.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(error_of(part), "no error") << size;
    if (size >= sizeof(tide::Header)) {
      store(part, offsetof(tide::Header, file_size), std::uint64_t{size});
      seal(part);
      // Cutting within the last section's padding is no damage.
      const bool cuts_content = size + tide::alignment < image.size();
      EXPECT_TRUE(error_of(part) != "no error" || !cuts_content) << size;
    }
  }
  Image longer = image;
  longer.push_back({});
  EXPECT_NE(error_of(longer).find("truncated or has been appended"), std::string::npos);
}

TEST(Tide, SeesEveryChangedByte) {
  const Image image = small_image();
  for (std::size_t i = 0; i < image.size(); ++i) {
    Image changed = image;
    changed[i] ^= std::byte{0x10};
    EXPECT_NE(error_of(std::move(changed)), "no error") << i;
  }
}

TEST(Tide, RefusesWrongHeaders) {
  Image image = small_image();
  image[1] = std::byte{'X'};
  expect_error(image, "not a .tide file");
  image = small_image();
  store(image, offsetof(tide::Header, format_version), 3u);
  expect_error(image, "format version 3, written by a newer tracetide; this one reads versions 1 to 2");
  store(image, offsetof(tide::Header, format_version), 0u);
  expect_error(image, "format version 0;");
  image = small_image();
  store(image, offsetof(tide::Header, section_count), 0xFFFFFFFFu);
  expect_error(image, "at most 1024");
  store(image, offsetof(tide::Header, section_count), 1000u);
  expect_error(image, "section table does not fit");
  store(image, offsetof(tide::Header, section_count), 14u);
  expect_error(image, "section PROBABILITIES is missing");
}

TEST(Tide, RefusesWrongSectionTables) {
  constexpr std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
  const auto entry = [](auto member, auto value) {
    return with_entry(Section::cell_rate, [=](tide::SectionEntry& e) {
      e.*member = static_cast<std::remove_reference_t<decltype(e.*member)>>(value);
    });
  };
  expect_error(entry(&tide::SectionEntry::offset, huge - 63), "not inside the file");
  expect_error(entry(&tide::SectionEntry::offset, 0), "not inside the file");
  expect_error(entry(&tide::SectionEntry::offset, 8), "not a multiple of 64");
  expect_error(entry(&tide::SectionEntry::count, huge), "not inside the file");
  expect_error(entry(&tide::SectionEntry::count, huge / 8 + 2), "not inside the file");
  expect_error(entry(&tide::SectionEntry::element_size, 0), "element size 0");
  expect_error(entry(&tide::SectionEntry::element_size, 4), "8 expected");
  expect_error(entry(&tide::SectionEntry::count, 3), "section CELL_RATE: 3 entries; 4 expected");
  expect_error(entry(&tide::SectionEntry::id, 8), "section CELL_SHAPE is there twice");
  const Image image = small_image();
  expect_error(entry(&tide::SectionEntry::offset, data_offset(image, Section::cell_shape)), "overlaps");
  expect_error(entry(&tide::SectionEntry::id, 77),
               "section 77 is required and unknown here: a newer tracetide");
}

TEST(Tide, IgnoresUnknownSectionsThatAreOptional) {
  // The table's alignment leaves room for one entry more.
  Image image = small_image();
  const auto last = load<tide::SectionEntry>(image, entry_offset(Section::probabilities));
  const auto count = load<std::uint32_t>(image, offsetof(tide::Header, section_count));
  const std::size_t extra = sizeof(tide::Header) + count * sizeof(tide::SectionEntry);
  ASSERT_LE(extra + sizeof(tide::SectionEntry), data_offset(image, Section::grid));
  store(image, offsetof(tide::Header, section_count), count + 1);
  const auto end = (last.offset + last.count * 8 + 63) / 64 * 64;
  store(image, extra, tide::SectionEntry{1000, 0, 3, 0, end, 20});
  image.resize(end + 64);
  store(image, offsetof(tide::Header, file_size), std::uint64_t{image.size()});
  seal(image);
  EXPECT_EQ(error_of(image), "no error");
  store(image, extra, tide::SectionEntry{1000, tide::required_flag, 3, 0, end, 20});
  expect_error(image, "section 1000 is required and unknown");
}

TEST(Tide, RefusesWrongGrids) {
  using Record = tide::GridRecord;
  const auto grid = [](std::size_t offset, auto value) { return with(Section::grid, offset, value); };
  expect_error(grid(offsetof(Record, window_ns), std::int64_t{0}), "window_ns 0");
  expect_error(grid(offsetof(Record, window_ns), std::int64_t{1} << 61), "longer than 2^62");
  expect_error(grid(offsetof(Record, epoch_ns), std::int64_t{-600}), "epoch_ns -600");
  expect_error(grid(offsetof(Record, windows), 0u), "windows 0");
  expect_error(grid(offsetof(Record, windows), 0xFFFFFFFFu),
               "section WINDOW_OFFSETS: 4 entries; 4294967296 expected");
  expect_error(grid(offsetof(Record, epochs), 0u), "epochs 0");
  expect_error(grid(offsetof(Record, epochs), 0xFFFFFFFFu), "section FIELD_DISTRIBUTION: 12 entries");
  expect_error(grid(offsetof(Record, clients), 0u), "clients 0");
  expect_error(grid(offsetof(Record, clients), 0xFFFFFFFEu), "section CLIENT_NAME_OFFSETS: 3 entries");
  expect_error(grid(offsetof(Record, category), std::uint8_t{3}), "category 3");
  expect_error(grid(offsetof(Record, category), std::uint8_t{0}), "fields 3; the category has 2");
  expect_error(grid(offsetof(Record, default_counts), std::uint8_t{0}), "default_counts 0");
  expect_error(grid(offsetof(Record, reserved), std::uint8_t{1}), "reserved 1");
}

TEST(Tide, RefusesWrongContent) {
  expect_error(with(Section::metadata, 0, '['), "section METADATA: not a JSON object");
  expect_error(with(Section::client_name_offsets, 8, std::uint64_t{100}),
               "section CLIENT_NAME_OFFSETS: entry 2");
  expect_error(with(Section::client_name_offsets, 0, std::uint64_t{1}),
               "section CLIENT_NAME_OFFSETS: entry 0");
  expect_error(with(Section::window_offsets, 24, std::uint64_t{3}),
               "section WINDOW_OFFSETS: entry 3: 3; 4 expected");
  expect_error(with(Section::window_offsets, 16, std::uint64_t{1}), "section WINDOW_OFFSETS: entry 2");
  expect_error(with(Section::cell_client, 0, 2u), "section CELL_CLIENT: entry 0: 2");
  expect_error(with(Section::cell_client, 0, 1u),
               "section CELL_CLIENT: window 0: the clients are not in ascending");
  for (const double rate : {0.0, -1.0, nan, 1e13}) {
    expect_error(with(Section::cell_rate, 8, rate), "section CELL_RATE: entry 1: ");
  }
  for (const double shape : {0.0, nan, 1e6}) {
    expect_error(with(Section::cell_shape, 16, shape), "section CELL_SHAPE: entry 2: ");
  }
  expect_error(with(Section::cell_shape, 8, 2.0), "1 expected for Exponential");
  expect_error(with(Section::cell_cv, 0, -1.0), "section CELL_CV: entry 0: -1");
  expect_error(with(Section::cell_family, 3, std::uint8_t{4}), "section CELL_FAMILY: entry 3: 4");
  expect_error(with(Section::cell_family, 3, std::uint8_t{3}),
               "section CELL_SHAPE: entry 3: table 1; there are 0");
  expect_error(with(Section::field_distribution, 0, 3u),
               "section FIELD_DISTRIBUTION: entry 0: distribution 3");
  expect_error(with(Section::field_distribution, 0, 1u), "cannot serve input_tokens");
  expect_error(with(Section::field_distribution, 8, 0u), "cannot serve reason_ratio");
}

TEST(Tide, RefusesWrongDistributions) {
  using Record = tide::DistributionRecord;
  const auto record = [](std::size_t which, std::size_t offset, auto value) {
    return with(Section::distributions, which * sizeof(Record) + offset, value);
  };
  constexpr std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
  const std::string section = "section DISTRIBUTIONS: entry ";
  expect_error(record(0, offsetof(Record, kind), 4u), section + "0: kind 4");
  expect_error(record(0, offsetof(Record, reserved), 3u), section + "0: reserved 3");
  expect_error(record(1, offsetof(Record, count), std::uint64_t{0}), section + "1: no values");
  expect_error(record(1, offsetof(Record, count), huge), section + "1: entries 0 and 18446744073709551615");
  expect_error(record(1, offsetof(Record, first_value), huge), section + "1: entries 18446744073709551615");
  expect_error(record(1, offsetof(Record, first_probability), std::uint64_t{0}),
               section + "1: entries 0 and 3 on of section PROBABILITIES");
  expect_error(record(2, offsetof(Record, count), std::uint64_t{1}), section + "2: 1 quantile");
  expect_error(record(2, offsetof(Record, count), std::uint64_t{3}),
               "section REAL_VALUES: 7 entries; 6 expected");
  expect_error(record(2, offsetof(Record, minimum), nan), section + "2: minimum nan");
  expect_error(record(0, offsetof(Record, maximum), 301.0), section + "0: minimum 1 and maximum 301");
  expect_error(with(Section::integer_values, 0, 2u), section + "0: the values are not ascending and unique");
  expect_error(with(Section::real_values, 8, nan), section + "1: a value is not finite");
  expect_error(with(Section::real_values, 8, 0.0), section + "1: the values are not ascending and unique");
  expect_error(with(Section::real_values, 24, 3.0), section + "2: the quantiles are not ascending");
  expect_error(with(Section::probabilities, 0, -0.5), section + "0: probabilities that sum to nan");
  expect_error(with(Section::probabilities, 24, 1e300), section + "1: probabilities that sum to 1e+300");
}

/// One client with bins and a correlation.
Image correlated_image() {
  ImageBuilder builder(Category::language, {600, 1, 600, 1}, Counts::pinned, "{}");
  builder.add_client("only");
  builder.add_cell(0, 0, {1, 1, 1, Family::exponential});
  const std::vector<std::uint32_t> first = {1, 2, 10};
  const std::vector<double> probabilities = {0.5, 0.25, 0.25};
  const auto bins = builder.add_bins(first, probabilities, 50);
  for (const std::uint32_t field : {0u, 1u}) builder.set_field(0, 0, field, bins);
  builder.set_correlation(0, 0, 1, 0.5);
  return builder.image();
}

TEST(Tide, RefusesWrongBinsAndCorrelations) {
  EXPECT_EQ(error_of(correlated_image()), "no error");
  const auto changed = [](Section section, std::size_t bytes, auto value) {
    Image image = correlated_image();
    store(image, data_offset(image, section) + bytes, value);
    return image;
  };
  using Record = tide::DistributionRecord;
  const std::string bins = "section DISTRIBUTIONS: entry 0: ";
  for (const double maximum : {9.0, 50.5, 4294967296.0, nan})
    expect_error(changed(Section::distributions, offsetof(Record, maximum), maximum), bins + "minimum 1");
  expect_error(changed(Section::integer_values, 4, 1u), bins + "the bins are not ascending");
  expect_error(changed(Section::distributions, offsetof(Record, kind), 4u), bins + "kind 4");
  const std::string section = "section CORRELATIONS: entry 0: ";
  const auto correlation = [&](std::size_t offset, auto value) {
    return changed(Section::correlations, offset, value);
  };
  expect_error(correlation(offsetof(Correlation, client), 1u), section + "client 1; there are 1");
  expect_error(correlation(offsetof(Correlation, field_a), std::uint8_t{1}), section + "fields 1 and 1");
  expect_error(correlation(offsetof(Correlation, field_b), std::uint8_t{2}), section + "fields 0 and 2");
  expect_error(correlation(offsetof(Correlation, reserved), std::uint16_t{1}), section + "reserved 1");
  for (const double spearman : {1.0, -1.0, nan})
    expect_error(correlation(offsetof(Correlation, spearman), spearman), section);
}

class ForgedTide : public testing::TestWithParam<Image (*)()> {};

TEST_P(ForgedTide, IsSurvived) {
  std::mt19937 random(20261125);
  const Image image = GetParam()();
  const auto at = [&](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
  };
  constexpr std::array<std::uint64_t, 8> words = {
      0, 1, 0xFFFFFFFF, 0x100000000, 0x7FF0000000000000, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 64};
  for (int round = 0; round < 20000; ++round) {
    Image forged = image;
    for (std::size_t changes = 1 + at(3); changes > 0; --changes) {
      if (at(2) == 0) {
        forged[16 + at(forged.size() - 16)] = static_cast<std::byte>(at(256));
      } else {
        store(forged, 16 + 4 * at((forged.size() - 24) / 4), words[at(words.size())]);
      }
    }
    seal(forged);
    try {
      const Profile profile = Profile::from_image(std::move(forged));
      // Sound, so all of it can be read.
      for (std::uint32_t window = 0; window < profile.windows(); ++window)
        (void)profile.cells(window).rate.size();
      for (std::uint32_t id = 0; id < profile.distributions(); ++id) (void)profile.distribution(id);
      for (std::uint32_t client = 0; client < profile.clients(); ++client) {
        (void)profile.client_name(client);
        for (std::uint32_t epoch = 0; epoch < profile.epochs(); ++epoch)
          (void)profile.resolved(epoch, client, 0);
      }
    } catch (const ProfileError&) {
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Images, ForgedTide, testing::Values(&small_image, &correlated_image));

}  // namespace
}  // namespace tracetide
