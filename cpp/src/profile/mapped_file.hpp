// A whole file as read-only bytes: mapped where the system can, read into memory elsewhere.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace tracetide {

class MappedFile {
 public:
  /// @throws std::filesystem::filesystem_error, also for what is not a regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// Valid as long as this object. A mapped file must not be shortened or changed in place meanwhile;
  /// replacing it by renaming another over it is fine.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::span<const std::byte> bytes_{};
  std::vector<std::byte> buffer_{};  // only where files are not mapped
};

}  // namespace tracetide
