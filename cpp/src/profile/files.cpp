#include "profile/files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <random>
#include <string_view>
#include <system_error>

#ifdef _WIN32
#include <io.h>
#else
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
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

/// `mode` is "rb", "wb", or "wbx" (fails if the file exists).
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

constexpr std::size_t kDigits = 12;
constexpr std::string_view kEnding = ".partial";

/// What the names of all temporary files for `path` begin with; the Python package has the same names.
fs::path temporary_prefix(const fs::path& path) {
  fs::path prefix = ".";
  prefix += path.filename().native().substr(0, 200);
  prefix += ".";
  return prefix;
}

fs::path temporary_name(const fs::path& path) {
  std::random_device random;
  fs::path name = temporary_prefix(path);
  std::string digits;
  while (digits.size() < kDigits) digits += "0123456789abcdef"[random() % 16];
  name += digits;
  name += kEnding;
  return path.parent_path() / name;
}

bool is_temporary_name(const fs::path& name, const fs::path& prefix) {
  const fs::path::string_type& text = name.native();
  const fs::path::string_type& begin = prefix.native();
  if (text.size() != begin.size() + kDigits + kEnding.size() || !text.starts_with(begin)) return false;
  const auto digits = text.begin() + static_cast<std::ptrdiff_t>(begin.size());
  const auto ending = digits + kDigits;
  return std::all_of(digits, ending,
                     [](auto c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }) &&
         std::equal(ending, text.end(), kEnding.begin(), kEnding.end());
}

#ifdef _WIN32

// Nobody can remove a file that another process has open, which is as good as a lock.

File create_file(const fs::path& path, fs::perms /*rights*/) { return open_file(path, "wbx"); }
bool lock(std::FILE* /*file*/) noexcept { return true; }
void remove_if_unlocked(const fs::path& path) noexcept {
  std::error_code ignored;
  fs::remove(path, ignored);
}
bool may_write(const fs::path& /*path*/) noexcept { return true; }
template <typename Function>
void for_each_name(const fs::path& folder, const Function& function) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    function(entries->path().filename());
  }
}
constexpr bool kRenamesOpenFiles = false;

#else

/// With `rights`, or, if they are unknown, with those of any new file.
File create_file(const fs::path& path, fs::perms rights) {
  const bool is_new = rights == fs::perms::unknown;
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, is_new ? 0666 : 0600);
  if (descriptor < 0) return nullptr;
  if (!is_new) ::fchmod(descriptor, static_cast<mode_t>(rights & fs::perms::all));
  File file(::fdopen(descriptor, "wb"));
  if (!file) ::close(descriptor);
  return file;
}

/// Keeps other processes from taking the file for one that was left behind; false if one already has.
/// Where there are no locks, nobody removes what seems to be left behind.
bool lock(std::FILE* file) noexcept {
  struct stat status{};
  if (::flock(::fileno(file), LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;
  return ::fstat(::fileno(file), &status) != 0 || status.st_nlink > 0;
}

void remove_if_unlocked(const fs::path& path) noexcept {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return;
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  ::close(descriptor);
}

bool may_write(const fs::path& path) noexcept { return ::access(path.c_str(), W_OK) == 0; }

struct CloseFolder {
  void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

/// Not with a directory_iterator: that of libstdc++ 12 ends the program where it finds no memory.
template <typename Function>
void for_each_name(const fs::path& folder, const Function& function) {
  const std::unique_ptr<DIR, CloseFolder> entries(::opendir(folder.c_str()));
  if (!entries) return;
  while (const dirent* entry = ::readdir(entries.get())) function(fs::path(entry->d_name));
}

constexpr bool kRenamesOpenFiles = true;

#endif

/// Removes temporary files for `path` whose processes were killed.
void remove_left_behind(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const fs::path prefix = temporary_prefix(path);
  for_each_name(folder, [&](const fs::path& name) {
    if (is_temporary_name(name, prefix)) remove_if_unlocked(folder / name);
  });
}

/// What links at `path` stand for, which is not there.
fs::path missing_target(fs::path path) {
  std::error_code ignored;
  while (fs::is_symlink(fs::symlink_status(path, ignored))) {  // no loop: that is another error of status()
    path = path.parent_path() / fs::read_symlink(path);
  }
  return path;
}

bool flush_to_disk(std::FILE* file) noexcept {
#ifdef _WIN32
  return ::_commit(::_fileno(file)) == 0;
#else
  return ::fsync(::fileno(file)) == 0;
#endif
}

void write_all(const fs::path& path, std::FILE* file, std::span<const std::byte> content) {
  errno = 0;
  if (std::fwrite(content.data(), 1, content.size(), file) != content.size() || std::fflush(file) != 0) {
    fail("cannot write", path, errno != 0 ? errno : EIO);
  }
}

/// `path` is what messages name, `target` what is replaced.
void replace(const fs::path& path, const fs::path& target, fs::perms rights,
             std::span<const std::byte> content) {
  remove_left_behind(target);
  for (;;) {
    TemporaryFile temporary(temporary_name(target));
    File file = create_file(temporary.path(), rights);
    if (!file) fail("cannot write", path, errno);
    temporary.set_there(true);
    if (!lock(file.get())) continue;
    write_all(path, file.get(), content);
    if (!flush_to_disk(file.get())) fail("cannot write", path, errno);
    if (!kRenamesOpenFiles && std::fclose(file.release()) != 0) fail("cannot write", path, errno);
    std::error_code error;
    fs::rename(temporary.path(), target, error);
    if (error) throw fs::filesystem_error("cannot write", path, error);
    temporary.set_there(false);
    return;
  }
}

constexpr fs::perms kAnybodyWrites =
    fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;

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
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  switch (status.type()) {
    case fs::file_type::not_found:
      replace(path, missing_target(path), fs::perms::unknown, content);
      return;
    case fs::file_type::regular:
      if ((status.permissions() & kAnybodyWrites) == fs::perms::none || !may_write(path)) {
        fail("cannot write", path, EACCES);
      }
      replace(path, fs::canonical(path), status.permissions(), content);
      return;
    case fs::file_type::character:
    case fs::file_type::fifo: {
      File file = open_file(path, "wb");
      if (!file) fail("cannot write", path, errno);
      write_all(path, file.get(), content);
      if (std::fclose(file.release()) != 0) fail("cannot write", path, errno);
      return;
    }
    case fs::file_type::directory:
      fail("cannot write", path, EISDIR);
    default:
      fail("cannot write", path, error ? error.value() : EINVAL);
  }
}

}  // namespace tracetide
