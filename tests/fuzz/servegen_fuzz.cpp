// Any two texts as the files of a ServeGen client, divided by a line of "====": refused, or a profile.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tracetide/tracetide.hpp"

namespace {

const std::filesystem::path& folder() {
  static const std::filesystem::path made = [] {
    std::filesystem::path shared = "/dev/shm";
    if (!std::filesystem::is_directory(shared)) shared = std::filesystem::temp_directory_path();
    shared /= "tracetide-fuzz-" + std::to_string(::getpid());
    std::filesystem::create_directories(shared);
    return shared;
  }();
  return made;
}

void write(const char* name, std::string_view text) {
  std::ofstream file(folder() / name, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view divider = "====\n";
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t at = text.find(divider);
  write("chunk-0-trace.csv", text.substr(0, at));
  write("chunk-0-dataset.json", at == text.npos ? "{}" : text.substr(at + divider.size()));
  try {
    const tracetide::Profile profile = tracetide::read_servegen(folder(), 1);
    const tracetide::Profile again = tracetide::Profile::from_image(profile.image());
    if (again.clients() != 1) std::abort();
  } catch (const tracetide::ProfileError&) {
  } catch (const std::invalid_argument&) {
  }
  return 0;
}
