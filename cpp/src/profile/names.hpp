// Names of the vocabulary's enumerations, in the order of their numbers.
#pragma once

#include <array>
#include <string_view>

#include "tracetide/profile.hpp"

namespace tracetide {

inline constexpr std::array<std::string_view, field_count> field_names{
    "input_tokens", "output_tokens", "reason_ratio", "text_tokens", "image_count",
    "image_tokens", "audio_count",   "audio_tokens", "video_count", "video_tokens",
};
inline constexpr std::array<std::string_view, 3> category_names{"language", "reason", "multimodal"};
inline constexpr std::array<std::string_view, 4> family_names{"Exponential", "Gamma", "Weibull", "Table"};
inline constexpr std::array<std::string_view, 4> counts_names{"profile", "pinned", "renewal", "servegen"};
inline constexpr std::array<std::string_view, 3> item_kind_names{"image", "audio", "video"};

}  // namespace tracetide
