// Any bytes as a `.tide` profile, with a checksum that is right: either they are refused, or all that the
// profile offers can be looked at and a job of it runs.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "profile/checksum.hpp"
#include "profile/tide.hpp"
#include "tracetide/tracetide.hpp"

namespace {

using namespace tracetide;

std::vector<std::byte> with_checksum(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> image(size);
  if (size != 0) std::memcpy(image.data(), data, size);
  if (size < sizeof(tide::Header)) return image;
  const std::uint64_t file_size = size;
  std::memcpy(image.data() + offsetof(tide::Header, file_size), &file_size, sizeof file_size);
  const std::uint64_t sum = checksum(std::span<const std::byte>(image).subspan(tide::checksum_begin));
  std::memcpy(image.data() + offsetof(tide::Header, checksum), &sum, sizeof sum);
  return image;
}

void look_at(const Profile& profile) {
  double sum = 0;
  for (std::uint32_t window = 0; window < profile.windows() && window < 1000; ++window)
    for (const double rate : profile.cells(window).rate) sum += rate;
  for (std::uint32_t id = 0; id < profile.distributions() && id < 1000; ++id)
    sum += statistics(profile.distribution(id), std::vector<double>{0.0, 0.5, 1.0}).mean;
  for (std::uint32_t client = 0; client < profile.clients() && client < 1000; ++client) {
    sum += static_cast<double>(profile.client_name(client).size());
    for (std::uint32_t epoch = 0; epoch < profile.epochs() && epoch < 10; ++epoch)
      for (std::uint32_t field = 0; field < fields_of(profile.category()).size(); ++field)
        sum += profile.resolved(epoch, client, field);
  }
  volatile double kept = sum;
  (void)kept;
}

void run(const Profile& profile) {
  const Job job(profile, {.rate = 5.0, .duration = 20.0, .block_size = 64});
  if (job.expected() > 10'000) return;
  Stream stream(job, {.threads = 1});
  while (stream.next() != nullptr) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const Profile profile = Profile::from_image(with_checksum(data, size));
    look_at(profile);
    run(profile);
  } catch (const ProfileError&) {
  } catch (const std::invalid_argument&) {
  }
  return 0;
}
