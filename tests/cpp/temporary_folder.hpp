#pragma once

#include <filesystem>
#include <iterator>
#include <random>
#include <string>

namespace tracetide {

/// An empty folder, which is gone with all that is in it when this is.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::random_device number;
    do path_ = std::filesystem::temp_directory_path() / ("tracetide_test." + std::to_string(number()));
    while (!std::filesystem::create_directory(path_));
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(path_), {});
  }

 private:
  std::filesystem::path path_;
};

}  // namespace tracetide
