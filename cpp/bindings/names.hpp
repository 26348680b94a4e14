// Enumerators by their names.
#pragma once

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tracetide/profile.hpp"

namespace tracetide::bindings {

/// All enumerators, of which these are the names in the order of their numbers.
template <class Enum, std::size_t n>
[[nodiscard]] constexpr std::array<Enum, n> all_of(const std::array<std::string_view, n>&) {
  std::array<Enum, n> made{};
  for (std::size_t i = 0; i < n; ++i) made[i] = static_cast<Enum>(i);
  return made;
}

/// The enumerator called `text`, of those in `choices`.
template <typename Choices>
[[nodiscard]] auto named(const Choices& choices, const std::string& text, const char* what) {
  std::string allowed;
  for (const auto choice : choices) {
    if (name(choice) == text) return choice;
    allowed += (allowed.empty() ? "" : ", ") + std::string(name(choice));
  }
  throw std::invalid_argument(std::string(what) + " \"" + text + "\"; allowed: " + allowed);
}

/// A field of a category.
[[nodiscard]] inline Field named_field(Category category, const std::string& field) {
  return named(fields_of(category), field, "field");
}

}  // namespace tracetide::bindings
