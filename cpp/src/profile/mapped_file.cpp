#include "profile/mapped_file.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#if defined(__unix__) || defined(__APPLE__)
#define TRACETIDE_MAPS_FILES
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#include "profile/files.hpp"
#endif

namespace tracetide {

#ifdef TRACETIDE_MAPS_FILES

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  throw std::filesystem::filesystem_error("cannot open", path,
                                          std::error_code(error, std::generic_category()));
}

class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path)
      // Not blocking: opening a pipe must fail below, not wait for a writer.
      : value_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (value_ < 0) fail(path, errno);
  }
  ~Descriptor() { ::close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return value_; }

 private:
  int value_;
};

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(path);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) fail(path, errno);
  if (S_ISDIR(status.st_mode)) fail(path, EISDIR);
  if (!S_ISREG(status.st_mode)) fail(path, EINVAL);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return;  // an empty mapping is an error of mmap
  int flags = MAP_PRIVATE;
#ifdef MAP_POPULATE
  flags |= MAP_POPULATE;  // all of it is read at once: one call instead of a fault every few pages
#endif
  void* const address = ::mmap(nullptr, size, PROT_READ, flags, file.get(), 0);
  if (address == MAP_FAILED) fail(path, errno);
  bytes_ = {static_cast<const std::byte*>(address), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

#else

MappedFile::MappedFile(const std::filesystem::path& path) {
  std::string content;
  read_file(path, content);
  buffer_.resize(content.size());
  if (!content.empty()) std::memcpy(buffer_.data(), content.data(), content.size());
  bytes_ = buffer_;
}

MappedFile::~MappedFile() = default;

#endif

}  // namespace tracetide
