// A profile: the checked sections of an image, and the table that fills in missing distributions.
#include "tracetide/profile.hpp"

#include <optional>
#include <stdexcept>
#include <vector>

#include "base/message.hpp"
#include "profile/files.hpp"
#include "profile/mapped_file.hpp"
#include "profile/tide.hpp"

namespace tracetide {

namespace {

/// For every [epoch][client], the epoch whose distributions it uses: itself if all fields are recorded,
/// else the nearest earlier such epoch, else the nearest later one, else `missing`.
std::vector<std::uint32_t> resolve_epochs(const tide::View& view) {
  const std::size_t clients = view.grid.clients;
  const std::size_t fields = view.grid.fields;
  std::vector<std::uint32_t> first(clients, Profile::missing);
  std::vector<std::uint32_t> latest(clients, Profile::missing);
  std::vector<std::uint32_t> resolved(clients * view.grid.epochs);
  const std::uint32_t* recorded = view.field_distribution.data();
  for (std::uint32_t epoch = 0; epoch < view.grid.epochs; ++epoch) {
    for (std::size_t client = 0; client < clients; ++client, recorded += fields) {
      bool complete = true;
      for (std::size_t field = 0; field < fields; ++field) complete &= recorded[field] != Profile::missing;
      if (complete) latest[client] = epoch;
      if (first[client] == Profile::missing) first[client] = latest[client];
      resolved[epoch * clients + client] = latest[client];
    }
  }
  for (std::size_t i = 0; i < resolved.size(); ++i) {
    if (resolved[i] == Profile::missing) resolved[i] = first[i % clients];
  }
  return resolved;
}

}  // namespace

struct Profile::Image {
  explicit Image(const std::filesystem::path& path) : file(std::in_place, path) {
    set_up(file->bytes(), path_text(path));
  }
  Image(std::vector<std::byte>&& content, const std::string& origin) : buffer(std::move(content)) {
    set_up(buffer, origin);
  }

  void set_up(std::span<const std::byte> image, const std::string& origin) {
    bytes = image;
    view = tide::read(image, origin);
    resolved_epoch = resolve_epochs(view);
  }

  std::optional<MappedFile> file{};
  std::vector<std::byte> buffer{};
  std::span<const std::byte> bytes{};
  tide::View view{};
  std::vector<std::uint32_t> resolved_epoch{};
};

Profile Profile::open(const std::filesystem::path& path) {
  return Profile(std::make_shared<const Image>(path));
}

Profile Profile::from_image(std::span<const std::byte> image, const std::string& origin) {
  return from_image(std::vector<std::byte>(image.begin(), image.end()), origin);
}

Profile Profile::from_image(std::vector<std::byte>&& image, const std::string& origin) {
  return Profile(std::make_shared<const Image>(std::move(image), origin));
}

std::span<const std::byte> Profile::image() const noexcept { return image_->bytes; }

void Profile::write(const std::filesystem::path& path) const { replace_file(path, image_->bytes); }

Category Profile::category() const noexcept { return static_cast<Category>(image_->view.grid.category); }

Counts Profile::default_counts() const noexcept {
  return static_cast<Counts>(image_->view.grid.default_counts);
}

std::string_view Profile::metadata() const noexcept {
  return {image_->view.metadata.data(), image_->view.metadata.size()};
}

std::uint32_t Profile::clients() const noexcept { return image_->view.grid.clients; }

std::string_view Profile::client_name(std::uint32_t client) const noexcept {
  const auto offsets = image_->view.client_name_offsets;
  const auto begin = static_cast<std::size_t>(offsets[client]);
  return {image_->view.client_names.data() + begin, static_cast<std::size_t>(offsets[client + 1]) - begin};
}

std::int64_t Profile::window_ns() const noexcept { return image_->view.grid.window_ns; }
std::uint32_t Profile::windows() const noexcept { return image_->view.grid.windows; }
std::int64_t Profile::epoch_ns() const noexcept { return image_->view.grid.epoch_ns; }
std::uint32_t Profile::epochs() const noexcept { return image_->view.grid.epochs; }

std::uint32_t Profile::epoch_of(std::uint32_t window) const noexcept {
  const tide::GridRecord& grid = image_->view.grid;
  const std::int64_t windows_per_epoch = grid.epoch_ns / grid.window_ns;
  return static_cast<std::uint32_t>(window / windows_per_epoch % grid.epochs);
}

WindowCells Profile::cells(std::uint32_t window) const noexcept {
  const tide::View& view = image_->view;
  const auto begin = static_cast<std::size_t>(view.window_offsets[window]);
  const std::size_t count = static_cast<std::size_t>(view.window_offsets[window + 1]) - begin;
  return {view.cell_client.subspan(begin, count), view.cell_rate.subspan(begin, count),
          view.cell_shape.subspan(begin, count), view.cell_cv.subspan(begin, count),
          view.cell_family.subspan(begin, count)};
}

std::uint32_t Profile::distributions() const noexcept {
  return static_cast<std::uint32_t>(image_->view.distributions.size());
}

Distribution Profile::distribution(std::uint32_t id) const noexcept {
  const tide::View& view = image_->view;
  const tide::DistributionRecord& record = view.distributions[id];
  const auto first = static_cast<std::size_t>(record.first_value);
  const auto count = static_cast<std::size_t>(record.count);
  Distribution result;
  result.kind = static_cast<DistributionKind>(record.kind);
  result.minimum = record.minimum;
  result.maximum = record.maximum;
  if (result.kind == DistributionKind::integer_pmf || result.kind == DistributionKind::bins) {
    result.integer_values = view.integer_values.subspan(first, count);
  } else {
    result.real_values = view.real_values.subspan(first, count);
  }
  if (result.kind != DistributionKind::quantiles) {
    result.probabilities =
        view.probabilities.subspan(static_cast<std::size_t>(record.first_probability), count);
  }
  return result;
}

std::uint32_t Profile::recorded(std::uint32_t epoch, std::uint32_t client,
                                std::uint32_t field) const noexcept {
  const tide::View& view = image_->view;
  const std::size_t row = std::size_t{epoch} * view.grid.clients + client;
  return view.field_distribution[row * view.grid.fields + field];
}

std::uint32_t Profile::resolved(std::uint32_t epoch, std::uint32_t client,
                                std::uint32_t field) const noexcept {
  const std::size_t row = std::size_t{epoch} * image_->view.grid.clients + client;
  const std::uint32_t source = image_->resolved_epoch[row];
  return source == missing ? missing : recorded(source, client, field);
}

std::uint32_t Profile::gap_tables() const noexcept {
  return static_cast<std::uint32_t>(image_->view.gap_tables.size());
}

GapTable Profile::gap_table(std::uint32_t number) const noexcept {
  const tide::GapTableRecord& record = image_->view.gap_tables[number];
  return {record.first_bin, image_->view.gap_probabilities.subspan(
                                static_cast<std::size_t>(record.first_probability), record.count)};
}

RateNoise Profile::rate_noise(std::uint32_t client) const noexcept {
  const auto noise = image_->view.rate_noise;
  return noise.empty() ? RateNoise{} : noise[client];
}

std::span<const Correlation> Profile::correlations() const noexcept { return image_->view.correlations; }

std::span<const SessionModel> Profile::session_models() const noexcept { return image_->view.session_models; }
std::span<const SessionStep> Profile::session_steps() const noexcept { return image_->view.session_steps; }
std::span<const SessionWaits> Profile::session_waits() const noexcept { return image_->view.session_waits; }
std::span<const SessionPersistence> Profile::session_persistence() const noexcept {
  return image_->view.session_persistence;
}

std::uint32_t Profile::session_model(std::uint32_t client) const noexcept {
  const auto models = image_->view.client_session;
  return models.empty() ? missing : models[client];
}

std::span<const PromptModel> Profile::prompt_models() const noexcept { return image_->view.prompt_models; }
std::span<const PromptLevel> Profile::prompt_levels() const noexcept { return image_->view.prompt_levels; }

std::uint32_t Profile::prompt_model(std::uint32_t client) const noexcept {
  const auto models = image_->view.client_prompt;
  return models.empty() ? missing : models[client];
}

Profile Profile::with_gaps(Family family, double shape, double cv) const {
  if (family > Family::weibull) {
    throw std::invalid_argument("family: " + std::string(name(family)) +
                                " is not allowed; it must be Exponential, Gamma or Weibull");
  }
  if (!(shape >= min_shape && shape <= max_shape))
    throw std::invalid_argument("shape: " + number_text(shape) +
                                " is not allowed; it must be from 0.005 to 1e5");
  tide::View view = image_->view;
  const std::vector<double> shapes(view.cell_shape.size(), shape);
  const std::vector<double> cvs(view.cell_cv.size(), cv);
  const std::vector<Family> families(view.cell_family.size(), family);
  view.cell_shape = shapes;
  view.cell_cv = cvs;
  view.cell_family = families;
  view.gap_tables = {};
  view.gap_probabilities = {};
  view.rate_noise = {};
  return from_image(tide::write(view), "<with other gaps>");
}

Profile Profile::with_cells(std::span<const std::uint8_t> keep) const {
  tide::View view = image_->view;
  if (keep.size() != view.cell_client.size()) {
    throw std::invalid_argument("keep: " + std::to_string(keep.size()) + " entries; the profile has " +
                                std::to_string(view.cell_client.size()) + " active windows");
  }
  std::vector<std::uint64_t> offsets(view.window_offsets.size(), 0);
  for (std::size_t window = 0; window + 1 < offsets.size(); ++window) {
    offsets[window + 1] = offsets[window];
    for (std::uint64_t i = view.window_offsets[window]; i < view.window_offsets[window + 1]; ++i)
      offsets[window + 1] += keep[static_cast<std::size_t>(i)] != 0 ? 1 : 0;
  }
  const auto kept = [&]<typename T>(std::span<const T> column) {
    std::vector<T> result;
    result.reserve(static_cast<std::size_t>(offsets.back()));
    for (std::size_t i = 0; i < column.size(); ++i) {
      if (keep[i] != 0) result.push_back(column[i]);
    }
    return result;
  };
  const auto client = kept(view.cell_client);
  const auto rate = kept(view.cell_rate);
  const auto shape = kept(view.cell_shape);
  const auto cv = kept(view.cell_cv);
  const auto family = kept(view.cell_family);
  view.window_offsets = offsets;
  view.cell_client = client;
  view.cell_rate = rate;
  view.cell_shape = shape;
  view.cell_cv = cv;
  view.cell_family = family;
  return from_image(tide::write(view), "<narrowed>");
}

Profile Profile::without_sessions() const {
  tide::View view = image_->view;
  if (view.session_models.empty()) return *this;
  view.session_models = {};
  view.session_steps = {};
  view.client_session = {};
  view.session_waits = {};
  view.session_persistence = {};
  return from_image(tide::write(view), "<without sessions>");
}

Profile Profile::without_prompts() const {
  tide::View view = image_->view;
  if (view.prompt_models.empty()) return *this;
  view.prompt_models = {};
  view.prompt_levels = {};
  view.client_prompt = {};
  return from_image(tide::write(view), "<without prompts>");
}

bool Profile::has_fields(std::uint32_t client) const noexcept {
  return image_->resolved_epoch[client] != missing;
}

}  // namespace tracetide
