#include "writers/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/access.hpp"
#include "engine/column_views.hpp"
#include "writers/cells.hpp"
#include "writers/decimal.hpp"
#include "writers/time_text.hpp"

namespace tracetide {
namespace {

// What precedes a value. Its size is known when compiling, so the copy is one or two moves.
template <TextFormat format, std::size_t at>
constexpr auto lead = [] {
  constexpr bool json = format == TextFormat::jsonl;
  constexpr std::string_view name = native_columns[at].name;
  std::array<char, json ? name.size() + 4 : 1> text{at == 0 ? '{' : ','};
  if constexpr (json) {
    text[1] = '"';
    std::copy(name.begin(), name.end(), text.begin() + 2);
    text[name.size() + 2] = '"';
    text[name.size() + 3] = ':';
  }
  return text;
}();

// A column of a batch of a category.
template <TextFormat format, Category category, std::size_t at>
class ColumnText {
 public:
  explicit ColumnText(const Batch& batch) noexcept
      : values_(view(column_at(Access::columns(batch), place))),
        is_extra_(is_optional && native.is_in(category, batch.optional_columns())) {}

  // Whether it is there because the job says so. In the table these stand behind the others.
  [[nodiscard]] bool is_extra() const noexcept { return is_extra_; }

  char* put(char* to, std::size_t row) noexcept {
    if constexpr (native.is_in(category, {})) to = put_value(to, row);
    return to;
  }
  char* put_extra(char* to, std::size_t row) noexcept {
    if constexpr (is_optional) to = is_extra_ ? put_value(to, row) : to;
    return to;
  }

 private:
  static constexpr bool json = format == TextFormat::jsonl;
  static constexpr const NativeColumn& native = native_columns[at];
  static constexpr auto place = std::get<native.place.index()>(native.place);
  static constexpr bool is_optional =
      native.jobs > ColumnOf::multimodal &&
      (category == Category::multimodal || native.jobs != ColumnOf::payload_bytes);

  char* put_value(char* to, std::size_t row) noexcept {
    if constexpr (json || at != 0) {
      std::memcpy(to, lead<format, at>.data(), lead<format, at>.size());
      to += lead<format, at>.size();
    }
    if constexpr (native.kind() == ColumnKind::list) {
      const std::uint32_t* const items = values_.values.data();
      return put_list(to, items + values_.offsets[row], items + values_.offsets[row + 1], !json);
    } else if constexpr (native.kind() == ColumnKind::real) {
      return native.nullable && !(values_[row] >= 0) ? put_missing(to) : time_.put(to, values_[row]);
    } else if constexpr (native.kind() == ColumnKind::u64) {
      return native.nullable && values_[row] == no_session ? put_missing(to)
                                                           : put_long_number(to, values_[row]);
    } else {
      return put_number(to, values_[row]);
    }
  }

  // Nothing in CSV, null in JSON.
  static char* put_missing(char* to) noexcept { return json ? put_text(to, "null") : to; }

  decltype(view(column_at(std::declval<const Columns&>(), place))) values_;
  bool is_extra_;
  TimestampWriter time_{};
};

template <TextFormat format, Category category, std::size_t... at>
char* put_rows(const Batch& batch, char* to, std::index_sequence<at...> /*columns*/) noexcept {
  std::tuple columns{ColumnText<format, category, at>(batch)...};
  const bool has_extra = (... || std::get<at>(columns).is_extra());
  const std::size_t rows = batch.size();
  for (std::size_t row = 0; row < rows; ++row) {
    ((to = std::get<at>(columns).put(to, row)), ...);
    if (has_extra) ((to = std::get<at>(columns).put_extra(to, row)), ...);
    to = put_text(to, format == TextFormat::jsonl ? "}\n" : "\n");
  }
  return to;
}

template <TextFormat format>
char* put_rows(const Batch& batch, char* to) noexcept {
  constexpr std::make_index_sequence<native_columns.size()> every_column;
  switch (batch.category()) {
    case Category::language:
      return put_rows<format, Category::language>(batch, to, every_column);
    case Category::reason:
      return put_rows<format, Category::reason>(batch, to, every_column);
    case Category::multimodal:
      return put_rows<format, Category::multimodal>(batch, to, every_column);
  }
  return to;
}

// Room for every row at its longest, so that no write has to look.
std::size_t longest_text(const Batch& batch, TextFormat format) noexcept {
  constexpr std::array values{TimestampWriter::longest, longest_number, longest_number, longest_long_number,
                              std::size_t{4}};  // by the kind of the column
  const bool json = format == TextFormat::jsonl;
  std::size_t row = 2;
  std::size_t items = 0;
  for (const NativeColumn& native : native_columns) {
    if (!native.is_in(batch.category(), batch.optional_columns())) continue;
    row += (json ? native.name.size() + 4 : 1) + values[static_cast<std::size_t>(native.kind())];
    std::visit(
        [&](auto place) {
          const auto& column = column_at(Access::columns(batch), place);
          if constexpr (std::is_same_v<decltype(column), const ListColumn&>) items += column.values.size();
        },
        native.place);
  }
  return batch.size() * row + items * (longest_number + 1) + number_room;
}

std::string header_of(const std::vector<ColumnInfo>& columns, TextFormat format) {
  std::string header;
  if (format == TextFormat::jsonl) return header;
  for (const ColumnInfo& column : columns) header.append(column.name).push_back(',');
  header.back() = '\n';
  return header;
}

}  // namespace

std::string text_header(const Job& job, TextFormat format) {
  return header_of(column_infos(job.profile().category(), job.optional_columns()), format);
}

std::string text_header(Category category, TextFormat format) {
  return header_of(column_infos(category, {}), format);
}

void append_rows(const Batch& batch, TextFormat format, Column<char>& out) {
  const std::size_t begin = out.size();
  out.resize(begin + longest_text(batch, format));
  char* const to = out.data() + begin;
  const char* const end = format == TextFormat::csv ? put_rows<TextFormat::csv>(batch, to)
                                                    : put_rows<TextFormat::jsonl>(batch, to);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

}  // namespace tracetide
