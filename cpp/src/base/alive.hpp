// What is left of an object that has been moved from.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

namespace tracetide {

/// @throws std::logic_error naming the class if there is no state any more
template <class State>
[[nodiscard]] State& alive(const std::unique_ptr<State>& state, const char* name) {
  if (!state)
    throw std::logic_error(std::string(name) + ": it has been moved from, and can only be assigned to");
  return *state;
}

}  // namespace tracetide
