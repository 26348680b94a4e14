// Enumerators by their names.
#pragma once

#include <stdexcept>
#include <string>

#include "tracetide/profile.hpp"

namespace tracetide::bindings {

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
