#include "profile/files.hpp"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#ifdef _WIN32
#include <io.h>
#include <process.h>
#else
#include <unistd.h>
#endif

namespace tracetide {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const char* what, const fs::path& path, int error) {
  throw fs::filesystem_error(what, path, std::error_code(error, std::generic_category()));
}

struct Close {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

/// `mode` is "rb", or "wbx" (fails if the file exists).
File open_file(const fs::path& path, const char* mode) {
#ifdef _WIN32
  const std::wstring wide_mode(mode, mode + std::char_traits<char>::length(mode));
  return File(::_wfopen(path.c_str(), wide_mode.c_str()));
#else
  return File(std::fopen(path.c_str(), mode));
#endif
}

/// Removes the file it names while told that it is there. Its name comes first, as that takes memory, for
/// want of which the file would be left behind.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path) : path_(std::move(path)) {}
  ~TemporaryFile() {
    std::error_code ignored;
    if (there_) fs::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }
  void set_there(bool there) noexcept { there_ = there; }

 private:
  fs::path path_;
  bool there_ = false;
};

fs::path temporary_name(const fs::path& path) {
  static std::atomic<unsigned> counter{0};
#ifdef _WIN32
  const auto process = std::to_string(::_getpid());
#else
  const auto process = std::to_string(::getpid());
#endif
  fs::path name = ".";
  name += path.filename();
  name += ".part-" + process + "-" + std::to_string(counter++);
  return path.parent_path() / name;
}

bool flush_to_disk(std::FILE* file) noexcept {
  if (std::fflush(file) != 0) return false;
#ifdef _WIN32
  return ::_commit(::_fileno(file)) == 0;
#else
  return ::fsync(::fileno(file)) == 0;
#endif
}

}  // namespace

void read_file(const fs::path& path, std::string& content) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail("cannot open", path, error ? error.value() : ENOENT);
  if (fs::is_directory(status)) fail("cannot read", path, EISDIR);
  if (!fs::is_regular_file(status)) fail("not a regular file", path, EINVAL);
  const File file = open_file(path, "rb");
  if (!file) fail("cannot open", path, errno);
  std::setvbuf(file.get(), nullptr, _IONBF, 0);  // one large read, straight into `content`
  const std::uintmax_t size = fs::file_size(path);
  content.resize(static_cast<std::size_t>(size));
  const std::size_t got = std::fread(content.data(), 1, content.size(), file.get());
  if (std::ferror(file.get()) != 0) fail("cannot read", path, errno);
  content.resize(got);  // a file that shrinks meanwhile is what it has become
}

void replace_file(const fs::path& path, std::span<const std::byte> content) {
  if (!path.has_filename()) fail("cannot write", path, EISDIR);
  TemporaryFile temporary(temporary_name(path));
  File file = open_file(temporary.path(), "wbx");
  if (!file) fail("cannot write", path, errno);
  temporary.set_there(true);
  errno = 0;
  const bool written = std::fwrite(content.data(), 1, content.size(), file.get()) == content.size() &&
                       flush_to_disk(file.get());
  const int write_error = errno;
  const bool closed = std::fclose(file.release()) == 0;
  if (!written) fail("cannot write", path, write_error != 0 ? write_error : EIO);
  if (!closed) fail("cannot write", path, errno);
  std::error_code error;
  fs::rename(temporary.path(), path, error);
  if (error) throw fs::filesystem_error("cannot write", path, error);
  temporary.set_there(false);
}

}  // namespace tracetide
