// `chunk-<i>-dataset.json`: {"<start s>": {"<field>": "{value: probability, ...}"}}.
#include <algorithm>
#include <cmath>
#include <optional>

#include "base/message.hpp"
#include "profile/decimal_number.hpp"
#include "profile/files.hpp"
#include "profile/json_text.hpp"
#include "profile/pmf_text.hpp"
#include "profile/servegen_files.hpp"
#include "tracetide/error.hpp"

namespace tracetide::servegen {

namespace {

std::optional<Field> field_named(std::string_view text) {
  for (std::size_t i = 0; i < field_count; ++i) {
    if (name(static_cast<Field>(i)) == text) return static_cast<Field>(i);
  }
  return std::nullopt;
}

std::string known_fields() {
  std::string list;
  for (std::size_t i = 0; i < field_count; ++i) {
    list += (i > 0 ? ", " : "") + std::string(name(static_cast<Field>(i)));
  }
  return list;
}

class LengthsReader {
 public:
  LengthsReader(const std::filesystem::path& path, std::string_view text) : path_(path), cursor_(text) {}

  Lengths run() {
    try {
      cursor_.expect('{');
      if (!cursor_.take('}')) {
        do {
          read_epoch();
        } while (cursor_.take(','));
        cursor_.expect('}');
      }
      cursor_.expect_end();
    } catch (const TextError& error) {
      fail(path_, cursor_.line(), context_ + error.what());
    }
    sort_epochs();
    return std::move(lengths_);
  }

 private:
  void read_epoch() {
    context_.clear();
    const std::string_view key = cursor_.string(decoded_);
    double start_s = 0;
    const bool number = read_decimal(key.data(), key.data() + key.size(), start_s) == key.data() + key.size();
    if (!number || !(start_s >= 0 && start_s <= max_time_s)) {
      cursor_.fail("epoch " + excerpt(key) + "; allowed: its start, seconds from 0 to 1e9");
    }
    epoch_text_ = excerpt(key);
    context_ = "epoch " + epoch_text_ + ": ";
    Lengths::Epoch epoch;
    epoch.start_ns = std::llround(start_s * 1e9);
    epoch.line = cursor_.line();
    cursor_.expect(':');
    cursor_.expect('{');
    if (!cursor_.take('}')) {
      do {
        read_field(epoch);
      } while (cursor_.take(','));
      cursor_.expect('}');
    }
    lengths_.epochs.push_back(epoch);
    context_.clear();
  }

  void read_field(Lengths::Epoch& epoch) {
    context_ = "epoch " + epoch_text_ + ": ";
    const std::string_view key = cursor_.string(decoded_);
    const std::optional<Field> field = field_named(key);
    if (!field) cursor_.fail("field " + excerpt(key) + "; allowed: " + known_fields());
    context_ = "epoch " + epoch_text_ + ", field " + std::string(name(*field)) + ": ";
    const auto index = static_cast<std::size_t>(*field);
    Lengths::Slice& slice = epoch.fields[index];
    if (slice.named) cursor_.fail("the field is there twice");
    if (lengths_.line[index] == 0) lengths_.line[index] = cursor_.line();
    cursor_.expect(':');
    slice = read_pmf(*field == Field::reason_ratio);
  }

  Lengths::Slice read_pmf(bool ratio) {
    const std::string_view text = cursor_.string(decoded_);
    Lengths::Slice slice;
    slice.named = true;
    slice.first_value = ratio ? lengths_.ratios.size() : lengths_.integers.size();
    slice.first_probability = lengths_.probabilities.size();
    if (ratio) {
      parse_ratio_pmf(text, lengths_.ratios, lengths_.probabilities);
    } else {
      parse_integer_pmf(text, lengths_.integers, lengths_.probabilities);
    }
    slice.count = lengths_.probabilities.size() - slice.first_probability;
    return slice;
  }

  void sort_epochs() {
    std::vector<Lengths::Epoch>& epochs = lengths_.epochs;
    if (!std::ranges::is_sorted(epochs, {}, &Lengths::Epoch::start_ns)) {
      std::ranges::stable_sort(epochs, {}, &Lengths::Epoch::start_ns);
    }
    const auto twice = std::ranges::adjacent_find(epochs, {}, &Lengths::Epoch::start_ns);
    if (twice != epochs.end()) fail(path_, std::next(twice)->line, "the epoch is there twice");
  }

  const std::filesystem::path& path_;
  JsonCursor cursor_;
  Lengths lengths_{};
  std::string decoded_{};
  std::string epoch_text_{};
  std::string context_{};
};

}  // namespace

Lengths read_lengths(const std::filesystem::path& path, std::string& buffer) {
  read_file(path, buffer);
  return LengthsReader(path, buffer).run();
}

}  // namespace tracetide::servegen
