// Errors that tracetide throws besides std::invalid_argument (a wrong argument) and
// std::system_error (the file system).
#pragma once

#include <stdexcept>
#include <string>

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

/// Data that cannot be a profile: a damaged `.tide` file, a malformed ServeGen folder.
/// The message names the file, the line or field, the value found and what is allowed.
class ProfileError : public std::runtime_error {
 public:
  explicit ProfileError(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace tracetide
#pragma GCC visibility pop
