#include "profile/names.hpp"

namespace tracetide {

namespace {

constexpr std::array language_fields = {Field::input_tokens, Field::output_tokens};
constexpr std::array reason_fields = {Field::input_tokens, Field::output_tokens, Field::reason_ratio};
constexpr std::array multimodal_fields = {Field::output_tokens, Field::text_tokens, Field::image_count,
                                          Field::image_tokens,  Field::audio_count, Field::audio_tokens,
                                          Field::video_count,   Field::video_tokens};

template <typename Enum, std::size_t n>
std::string_view name_in(const std::array<std::string_view, n>& names, Enum value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < n ? names[index] : "unknown";
}

}  // namespace

std::string_view name(Field field) noexcept { return name_in(field_names, field); }
std::string_view name(Category category) noexcept { return name_in(category_names, category); }
std::string_view name(Family family) noexcept { return name_in(family_names, family); }
std::string_view name(Counts counts) noexcept { return name_in(counts_names, counts); }

std::span<const Field> fields_of(Category category) noexcept {
  switch (category) {
    case Category::language:
      return language_fields;
    case Category::reason:
      return reason_fields;
    case Category::multimodal:
      return multimodal_fields;
  }
  return {};
}

bool is_drawn_once(Field field) noexcept {
  return field != Field::image_tokens && field != Field::audio_tokens && field != Field::video_tokens;
}

}  // namespace tracetide
