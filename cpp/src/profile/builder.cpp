#include "profile/builder.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>

#include "base/message.hpp"
#include "profile/arrival_check.hpp"
#include "profile/checksum.hpp"
#include "profile/json_text.hpp"
#include "tracetide/error.hpp"

namespace tracetide {

namespace {

/// Active windows of all clients together; each takes about 100 bytes while the image is made.
constexpr std::size_t max_cells = std::size_t{1} << 26;

/// `message` makes the text, only when it is needed: these checks run for every cell and value.
template <typename Message>
void require(bool condition, Message&& message) {
  if (!condition) throw ProfileError(message());
}

void check_grid(const Grid& grid) {
  require(grid.window_ns > 0,
          [&] { return "window_ns " + std::to_string(grid.window_ns) + "; allowed: above 0"; });
  require(grid.windows > 0, [&] { return std::string("windows 0; allowed: at least 1"); });
  require(grid.window_ns <= tide::max_period_ns / grid.windows, [&] {
    return "a period of " + std::to_string(grid.windows) + " windows of " + std::to_string(grid.window_ns) +
           " ns; allowed: at most 2^62 ns";
  });
  require(grid.epochs > 0, [&] { return std::string("epochs 0; allowed: at least 1"); });
  require(grid.epoch_ns > 0 && grid.epoch_ns % grid.window_ns == 0, [&] {
    return "epoch_ns " + std::to_string(grid.epoch_ns) + "; allowed: a positive multiple of window_ns " +
           std::to_string(grid.window_ns);
  });
}

void check_cell(const Cell& cell) {
  require(cell.rate > 0 && cell.rate <= tide::max_rate,
          [&] { return "rate " + number_text(cell.rate) + "; allowed: above 0, at most 1e12"; });
  require(cell.family <= Family::table, [&] {
    return "family " + std::to_string(static_cast<unsigned>(cell.family)) + "; allowed: 0, 1, 2, 3";
  });
  require(cell.family == Family::table || (cell.shape >= min_shape && cell.shape <= max_shape),
          [&] { return "shape " + number_text(cell.shape) + "; allowed: 0.005 to 1e5"; });
  require(cell.family != Family::exponential || cell.shape == 1,
          [&] { return "shape " + number_text(cell.shape) + "; 1 expected for Exponential"; });
  require(std::isnan(cell.cv) || (cell.cv >= 0 && std::isfinite(cell.cv)), [&] {
    return "cv " + number_text(cell.cv) + "; allowed: at least 0 and finite, or NaN when not recorded";
  });
}

template <typename T>
void check_pmf(std::span<const T> values, std::span<const double> probabilities) {
  require(!values.empty(), [&] { return std::string("a PMF without values"); });
  require(values.size() == probabilities.size(), [&] {
    return std::to_string(values.size()) + " values and " + std::to_string(probabilities.size()) +
           " probabilities";
  });
  for (std::size_t i = 1; i < values.size(); ++i) {
    require(values[i - 1] < values[i], [&] {
      return "PMF values not ascending and unique: " + number_text(static_cast<double>(values[i])) +
             " follows " + number_text(static_cast<double>(values[i - 1]));
    });
  }
  double sum = 0;
  for (const double p : probabilities) {
    require(p >= 0 && std::isfinite(p),
            [&] { return "probability " + number_text(p) + "; allowed: at least 0 and finite"; });
    sum += p;
  }
  require(sum >= tide::min_probability_sum && sum <= tide::max_probability_sum,
          [&] { return "probabilities that sum to " + number_text(sum) + "; allowed: 1e-9 to 1e9"; });
}

void check_finite(std::span<const double> values) {
  for (const double value : values)
    require(std::isfinite(value), [&] { return "value " + number_text(value) + " is not finite"; });
}

template <typename T>
void append(std::vector<T>& pool, std::span<const T> values) {
  pool.insert(pool.end(), values.begin(), values.end());
}

/// As growing would, but no more than is needed where that is more than twice as much.
template <typename T>
void make_room(std::vector<T>& pool, std::size_t more) {
  if (pool.capacity() - pool.size() < more) pool.reserve(std::max(pool.size() + more, 2 * pool.capacity()));
}

bool holds_integers(const tide::DistributionRecord& record) {
  const auto kind = static_cast<DistributionKind>(record.kind);
  return kind == DistributionKind::integer_pmf || kind == DistributionKind::bins;
}

bool equal_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace

ImageBuilder::ImageBuilder(Category category, Grid grid, Counts default_counts, std::string metadata_json)
    : category_(category), grid_(grid), default_counts_(default_counts), metadata_(std::move(metadata_json)) {
  check_grid(grid_);
  require(!fields_of(category).empty(),
          [&] { return "category " + std::to_string(static_cast<unsigned>(category)); });
  require(default_counts == Counts::pinned || default_counts == Counts::renewal ||
              default_counts == Counts::servegen,
          [&] {
            return "default_counts \"" + std::string(name(default_counts)) +
                   "\"; allowed: pinned, renewal, servegen";
          });
  try {
    check_json_object(metadata_);
  } catch (const TextError& error) {
    throw ProfileError(std::string("metadata: ") + error.what() + " at byte " +
                       std::to_string(error.position()));
  }
}

std::uint32_t ImageBuilder::add_client(std::string_view client_name) {
  const std::size_t client = name_offsets_.size() - 1;
  require(client < Profile::missing, [&] { return std::string("more than 2^32 - 2 clients"); });
  names_ += client_name;
  name_offsets_.push_back(names_.size());
  field_distribution_.resize(
      field_distribution_.size() + std::size_t{grid_.epochs} * fields_of(category_).size(), Profile::missing);
  return static_cast<std::uint32_t>(client);
}

void ImageBuilder::check_client(std::uint32_t client) const {
  const std::size_t clients = name_offsets_.size() - 1;
  require(client < clients,
          [&] { return "client " + std::to_string(client) + "; there are " + std::to_string(clients); });
}

void ImageBuilder::add_cell(std::uint32_t client, std::uint32_t window, const Cell& cell) {
  check_client(client);
  require(window < grid_.windows, [&] {
    return "window " + std::to_string(window) + "; there are " + std::to_string(grid_.windows);
  });
  check_cell(cell);
  check_table(cell);
  require(cells_.size() < max_cells, [&] {
    return std::string("clients with more than 2^26 active windows together; use fewer or longer windows");
  });
  cells_.push_back({window, client, cell});
}

void ImageBuilder::check_table(const Cell& cell) const {
  const auto tables = static_cast<double>(gap_tables_.size());
  require(cell.family != Family::table ||
              (cell.shape >= 0 && cell.shape < tables && cell.shape == std::floor(cell.shape)),
          [&] { return "table " + number_text(cell.shape) + "; there are " + number_text(tables); });
}

std::uint32_t ImageBuilder::add_gap_table(const GapTable& table) {
  const std::string wrong = gap_table_fault(table);
  require(wrong.empty(), [&] { return "gap table: " + wrong; });
  for (std::size_t i = 0; i < gap_tables_.size(); ++i) {
    const tide::GapTableRecord& other = gap_tables_[i];
    const auto probabilities =
        std::span(gap_probabilities_).subspan(static_cast<std::size_t>(other.first_probability), other.count);
    if (other.first_bin == table.first_bin && std::ranges::equal(probabilities, table.probabilities))
      return static_cast<std::uint32_t>(i);
  }
  gap_tables_.push_back(
      {table.first_bin, static_cast<std::uint32_t>(table.probabilities.size()), gap_probabilities_.size()});
  append(gap_probabilities_, table.probabilities);
  return static_cast<std::uint32_t>(gap_tables_.size() - 1);
}

void ImageBuilder::set_rate_noise(std::uint32_t client, const RateNoise& noise) {
  check_client(client);
  const std::string wrong = rate_noise_fault(noise);
  require(wrong.empty(), [&] { return "rate noise: " + wrong; });
  if (rate_noise_.size() <= client) rate_noise_.resize(std::size_t{client} + 1);
  rate_noise_[client] = noise;
}

void ImageBuilder::repeat_client(std::span<const std::string> names) {
  const std::size_t clients = name_offsets_.size() - 1;
  require(clients > 0, [&] { return std::string("no client to repeat"); });
  const auto client = static_cast<std::uint32_t>(clients - 1);
  const auto is_other = [client](const auto& entry) { return entry.client != client; };
  const auto first_of = [&](const auto& all) {
    return static_cast<std::size_t>(std::find_if(all.rbegin(), all.rend(), is_other).base() - all.begin());
  };
  const std::size_t first_cell = first_of(cells_);
  const std::size_t first_correlation = first_of(correlations_);
  const std::size_t cells = cells_.size() - first_cell;
  const std::size_t correlations = correlations_.size() - first_correlation;
  require(cells == 0 || names.size() <= (max_cells - cells_.size()) / cells, [&] {
    return std::to_string(names.size() + 1) + " clients with " + std::to_string(cells) +
           " active windows each; allowed: at most 2^26 of all clients together; use fewer clients or longer "
           "windows";
  });
  const std::size_t fields = std::size_t{grid_.epochs} * fields_of(category_).size();
  make_room(cells_, names.size() * cells);
  make_room(correlations_, names.size() * correlations);
  make_room(field_distribution_, names.size() * fields);
  for (const std::string& client_name : names) {
    const std::uint32_t copy = add_client(client_name);
    for (std::size_t i = 0; i < cells; ++i) {
      cells_.push_back(cells_[first_cell + i]);
      cells_.back().client = copy;
    }
    for (std::size_t i = 0; i < correlations; ++i) {
      correlations_.push_back(correlations_[first_correlation + i]);
      correlations_.back().client = copy;
    }
    if (client < rate_noise_.size()) set_rate_noise(copy, RateNoise(rate_noise_[client]));
    const auto own = field_distribution_.begin() + static_cast<std::ptrdiff_t>(client * fields);
    std::copy_n(own, fields, field_distribution_.end() - static_cast<std::ptrdiff_t>(fields));
  }
}

std::uint32_t ImageBuilder::add_integer_pmf(std::span<const std::uint32_t> values,
                                            std::span<const double> probabilities) {
  check_pmf(values, probabilities);
  const tide::DistributionRecord record{static_cast<std::uint32_t>(DistributionKind::integer_pmf),
                                        0,
                                        integer_values_.size(),
                                        probabilities_.size(),
                                        values.size(),
                                        static_cast<double>(values.front()),
                                        static_cast<double>(values.back())};
  append(integer_values_, values);
  append(probabilities_, probabilities);
  return add(record);
}

std::uint32_t ImageBuilder::add_real_pmf(std::span<const double> values,
                                         std::span<const double> probabilities) {
  check_finite(values);
  check_pmf(values, probabilities);
  const tide::DistributionRecord record{static_cast<std::uint32_t>(DistributionKind::real_pmf),
                                        0,
                                        real_values_.size(),
                                        probabilities_.size(),
                                        values.size(),
                                        values.front(),
                                        values.back()};
  append(real_values_, values);
  append(probabilities_, probabilities);
  return add(record);
}

std::uint32_t ImageBuilder::add_quantiles(std::span<const double> quantiles, double minimum, double maximum) {
  require(quantiles.size() >= 2,
          [&] { return std::to_string(quantiles.size()) + " quantiles; at least 2 are needed"; });
  check_finite(quantiles);
  require(std::ranges::is_sorted(quantiles), [&] { return std::string("the quantiles are not ascending"); });
  require(std::isfinite(minimum) && std::isfinite(maximum) && minimum <= maximum, [&] {
    return "minimum " + number_text(minimum) + ", maximum " + number_text(maximum) +
           "; allowed: finite, minimum <= maximum";
  });
  const tide::DistributionRecord record{static_cast<std::uint32_t>(DistributionKind::quantiles),
                                        0,
                                        real_values_.size(),
                                        probabilities_.size(),
                                        quantiles.size(),
                                        minimum,
                                        maximum};
  append(real_values_, quantiles);
  return add(record);
}

std::uint32_t ImageBuilder::add_bins(std::span<const std::uint32_t> values,
                                     std::span<const double> probabilities, double maximum) {
  check_pmf(values, probabilities);
  require(maximum >= values.back() && maximum <= tide::max_tokens && maximum == std::floor(maximum), [&] {
    return "maximum " + number_text(maximum) + "; allowed: a whole number from the last bin's start, " +
           std::to_string(values.back()) + ", to 2^32 - 1";
  });
  const tide::DistributionRecord record{static_cast<std::uint32_t>(DistributionKind::bins),
                                        0,
                                        integer_values_.size(),
                                        probabilities_.size(),
                                        values.size(),
                                        static_cast<double>(values.front()),
                                        maximum};
  append(integer_values_, values);
  append(probabilities_, probabilities);
  return add(record);
}

std::span<const std::byte> ImageBuilder::value_bytes(const tide::DistributionRecord& record) const {
  const auto first = static_cast<std::size_t>(record.first_value);
  const auto count = static_cast<std::size_t>(record.count);
  if (holds_integers(record)) {
    return std::as_bytes(std::span(integer_values_).subspan(first, count));
  }
  return std::as_bytes(std::span(real_values_).subspan(first, count));
}

std::span<const std::byte> ImageBuilder::probability_bytes(const tide::DistributionRecord& record) const {
  if (record.kind == static_cast<std::uint32_t>(DistributionKind::quantiles)) return {};
  return std::as_bytes(std::span(probabilities_)
                           .subspan(static_cast<std::size_t>(record.first_probability),
                                    static_cast<std::size_t>(record.count)));
}

bool ImageBuilder::same(const tide::DistributionRecord& a, const tide::DistributionRecord& b) const {
  return a.kind == b.kind && a.minimum == b.minimum && a.maximum == b.maximum &&
         equal_bytes(value_bytes(a), value_bytes(b)) &&
         equal_bytes(probability_bytes(a), probability_bytes(b));
}

std::uint32_t ImageBuilder::add(tide::DistributionRecord record) {
  const std::uint64_t hash =
      checksum(value_bytes(record)) ^ (checksum(probability_bytes(record)) * 3 + record.kind);
  const auto [begin, end] = by_content_.equal_range(hash);
  for (auto candidate = begin; candidate != end; ++candidate) {
    if (!same(distributions_[candidate->second], record)) continue;
    const bool integers = holds_integers(record);
    if (integers) integer_values_.resize(static_cast<std::size_t>(record.first_value));
    if (!integers) real_values_.resize(static_cast<std::size_t>(record.first_value));
    probabilities_.resize(static_cast<std::size_t>(record.first_probability));
    return candidate->second;
  }
  require(distributions_.size() < Profile::missing,
          [&] { return std::string("more than 2^32 - 2 distributions"); });
  const auto id = static_cast<std::uint32_t>(distributions_.size());
  distributions_.push_back(record);
  by_content_.emplace(hash, id);
  return id;
}

void ImageBuilder::check_field(std::uint32_t field) const {
  const std::size_t fields = fields_of(category_).size();
  require(field < fields,
          [&] { return "field " + std::to_string(field) + "; there are " + std::to_string(fields); });
}

void ImageBuilder::set_field(std::uint32_t epoch, std::uint32_t client, std::uint32_t field,
                             std::uint32_t distribution) {
  const std::size_t fields = fields_of(category_).size();
  check_client(client);
  require(epoch < grid_.epochs,
          [&] { return "epoch " + std::to_string(epoch) + "; there are " + std::to_string(grid_.epochs); });
  check_field(field);
  require(distribution < distributions_.size(), [&] {
    return "distribution " + std::to_string(distribution) + "; there are " +
           std::to_string(distributions_.size());
  });
  field_distribution_[(std::size_t{client} * grid_.epochs + epoch) * fields + field] = distribution;
}

void ImageBuilder::set_correlation(std::uint32_t client, std::uint32_t field_a, std::uint32_t field_b,
                                   double spearman) {
  const std::span<const Field> fields = fields_of(category_);
  check_client(client);
  for (const std::uint32_t field : {field_a, field_b}) {
    check_field(field);
    require(is_drawn_once(fields[field]), [&] {
      return "field " + std::string(name(fields[field])) +
             " is drawn for every item of a request; only fields drawn once for a request can be correlated";
    });
  }
  require(field_a != field_b, [&] {
    return "field " + std::string(name(fields[field_a])) + " with itself; two different fields expected";
  });
  require(spearman > -1 && spearman < 1,
          [&] { return "correlation " + number_text(spearman) + "; allowed: above -1, below 1"; });
  const auto [a, b] = std::minmax(field_a, field_b);
  correlations_.push_back({client, static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b), 0, spearman});
}

void ImageBuilder::check_same_grid(const Profile& profile) const {
  const auto text = [](const char* what, auto theirs, auto ours) {
    return std::string(what) + " " + std::to_string(theirs) + " of the profile to copy from; " +
           std::to_string(ours) + " expected";
  };
  require(profile.category() == category_, [&] {
    return "category " + std::string(name(profile.category())) + " of the profile to copy from; " +
           std::string(name(category_)) + " expected";
  });
  require(profile.window_ns() == grid_.window_ns,
          [&] { return text("window_ns", profile.window_ns(), grid_.window_ns); });
  require(profile.windows() == grid_.windows,
          [&] { return text("windows", profile.windows(), grid_.windows); });
  require(profile.epoch_ns() == grid_.epoch_ns,
          [&] { return text("epoch_ns", profile.epoch_ns(), grid_.epoch_ns); });
  require(profile.epochs() == grid_.epochs, [&] { return text("epochs", profile.epochs(), grid_.epochs); });
}

std::uint32_t ImageBuilder::copy_distribution(const Profile& profile, std::uint32_t id) {
  if (copied_ids_[id] != Profile::missing) return copied_ids_[id];
  const Distribution from = profile.distribution(id);
  const auto add_copy_of = [&] {
    switch (from.kind) {
      case DistributionKind::integer_pmf:
        return add_integer_pmf(from.integer_values, from.probabilities);
      case DistributionKind::real_pmf:
        return add_real_pmf(from.real_values, from.probabilities);
      case DistributionKind::quantiles:
        return add_quantiles(from.real_values, from.minimum, from.maximum);
      case DistributionKind::bins:
        break;
    }
    return add_bins(from.integer_values, from.probabilities, from.maximum);
  };
  return copied_ids_[id] = add_copy_of();
}

double ImageBuilder::copy_table(const Profile& profile, double number) {
  const auto from = static_cast<std::uint32_t>(number);
  if (copied_tables_[from] == Profile::missing) copied_tables_[from] = add_gap_table(profile.gap_table(from));
  return copied_tables_[from];
}

void ImageBuilder::start_copying(const Profile& profile) {
  if (copied_ && copied_->image().data() == profile.image().data()) return;
  copied_ = profile;
  copied_ids_.assign(profile.distributions(), Profile::missing);
  copied_tables_.assign(profile.gap_tables(), Profile::missing);
  copied_cells_.clear();
  copied_models_.reset();
  copied_prompts_.reset();
}

void ImageBuilder::copy_models(const Profile& profile) {
  require(profile.clients() == name_offsets_.size() - 1, [&] {
    return std::to_string(profile.clients()) + " clients of the profile to copy from; " +
           std::to_string(name_offsets_.size() - 1) + " expected";
  });
  start_copying(profile);
  for (std::uint32_t client = 0; client < profile.clients(); ++client)
    copy_models_of(profile, client, client);
}

void ImageBuilder::copy_models_of(const Profile& profile, std::uint32_t client, std::uint32_t copy) {
  if (profile.session_model(client) != Profile::missing) {
    if (!copied_models_) copy_session_models(profile);
    set_session(copy, *copied_models_ + profile.session_model(client));
  }
  if (profile.prompt_model(client) != Profile::missing) {
    if (!copied_prompts_) copy_prompt_models(profile);
    set_prompts(copy, *copied_prompts_ + profile.prompt_model(client));
  }
}

std::uint32_t ImageBuilder::add_copy(const Profile& profile, std::uint32_t client,
                                     std::string_view client_name, double rate_factor) {
  check_same_grid(profile);
  require(client < profile.clients(), [&] {
    return "client " + std::to_string(client) + " to copy; there are " + std::to_string(profile.clients());
  });
  start_copying(profile);
  if (copied_cells_.empty()) {
    copied_cells_.assign(profile.clients(), {});
    for (std::uint32_t window = 0; window < profile.windows(); ++window) {
      const WindowCells cells = profile.cells(window);
      for (std::size_t i = 0; i < cells.client.size(); ++i) {
        copied_cells_[cells.client[i]].push_back(
            {window, 0, {cells.rate[i], cells.shape[i], cells.cv[i], cells.family[i]}});
      }
    }
  }
  const std::uint32_t copy = add_client(client_name);
  for (const PlacedCell& placed : copied_cells_[client]) {
    Cell cell = placed.cell;
    cell.rate *= rate_factor;
    if (cell.family == Family::table) cell.shape = copy_table(profile, cell.shape);
    add_cell(copy, placed.window, cell);
  }
  for (std::uint32_t epoch = 0; epoch < grid_.epochs; ++epoch) {
    for (std::uint32_t field = 0; field < fields_of(category_).size(); ++field) {
      const std::uint32_t id = profile.recorded(epoch, client, field);
      if (id != Profile::missing) set_field(epoch, copy, field, copy_distribution(profile, id));
    }
  }
  if (profile.rate_noise(client).levels > 0) set_rate_noise(copy, profile.rate_noise(client));
  const std::span<const Correlation> all = profile.correlations();
  const auto is_before = [](const Correlation& one, std::uint32_t number) { return one.client < number; };
  for (auto at = std::lower_bound(all.begin(), all.end(), client, is_before);
       at != all.end() && at->client == client; ++at) {
    Correlation correlation = *at;
    correlation.client = copy;
    correlations_.push_back(correlation);
  }
  copy_models_of(profile, client, copy);
  return copy;
}

std::uint32_t ImageBuilder::add_session_model(SessionModel model, std::span<const SessionStep> steps) {
  model.first_step = static_cast<std::uint32_t>(session_steps_.size());
  model.steps = static_cast<std::uint32_t>(steps.size());
  append(session_steps_, steps);
  session_models_.push_back(model);
  return static_cast<std::uint32_t>(session_models_.size() - 1);
}

void ImageBuilder::check_session_model(std::uint32_t model) const {
  require(model < session_models_.size(), [&] {
    return "session model " + std::to_string(model) + "; there are " + std::to_string(session_models_.size());
  });
}

void ImageBuilder::set_waits(std::uint32_t model, std::uint32_t step, const SessionWaits& waits) {
  check_session_model(model);
  const SessionModel& of = session_models_[model];
  require(step < of.steps, [&] {
    return "step " + std::to_string(step) + " of session model " + std::to_string(model) + "; there are " +
           std::to_string(of.steps);
  });
  const std::size_t at = std::size_t{of.first_step} + step;
  if (waits.output == 0 && waits.tokens == 0 && at >= session_waits_.size()) return;
  if (session_waits_.size() <= at) session_waits_.resize(at + 1);
  session_waits_[at] = waits;
}

void ImageBuilder::set_persistence(const SessionPersistence& persistence) {
  check_session_model(persistence.model);
  check_field(persistence.field);
  if (persistence.share == 0) return;
  session_persistence_.push_back(persistence);
}

void ImageBuilder::set_session(std::uint32_t client, std::uint32_t model) {
  check_client(client);
  check_session_model(model);
  if (client_session_.size() <= client) client_session_.resize(std::size_t{client} + 1, Profile::missing);
  client_session_[client] = model;
}

// All of them, in their order, so that sub-agents stay after those that call them.
void ImageBuilder::copy_session_models(const Profile& profile) {
  const auto first = static_cast<std::uint32_t>(session_models_.size());
  const auto copied = [&](std::uint32_t id) {
    return id == Profile::missing ? id : copy_distribution(profile, id);
  };
  for (SessionModel model : profile.session_models()) {
    model.turns = copied(model.turns);
    model.first_tokens = copied(model.first_tokens);
    const auto own = profile.session_steps().subspan(model.first_step, model.steps);
    std::vector<SessionStep> steps(own.begin(), own.end());
    for (SessionStep& step : steps) {
      step.wait = copied(step.wait);
      step.tokens = copied(step.tokens);
      step.calls = copied(step.calls);
      step.failure_tokens = copied(step.failure_tokens);
      if (step.child != Profile::missing) step.child += first;
    }
    const auto waits = profile.session_waits();
    const std::uint32_t from = model.first_step;
    const std::uint32_t copy = add_session_model(model, steps);
    for (std::uint32_t step = 0; !waits.empty() && step < steps.size(); ++step)
      set_waits(copy, step, waits[from + step]);
  }
  for (SessionPersistence persistence : profile.session_persistence()) {
    persistence.model += first;
    set_persistence(persistence);
  }
  copied_models_ = first;
}

std::uint32_t ImageBuilder::add_prompt_model(PromptModel model, std::span<const PromptLevel> levels) {
  model.first_level = static_cast<std::uint32_t>(prompt_levels_.size());
  model.levels = static_cast<std::uint32_t>(levels.size());
  append(prompt_levels_, levels);
  prompt_models_.push_back(model);
  return static_cast<std::uint32_t>(prompt_models_.size() - 1);
}

void ImageBuilder::set_prompts(std::uint32_t client, std::uint32_t model) {
  check_client(client);
  require(model < prompt_models_.size(), [&] {
    return "model of prompts " + std::to_string(model) + "; there are " +
           std::to_string(prompt_models_.size());
  });
  if (client_prompt_.size() <= client) client_prompt_.resize(std::size_t{client} + 1, Profile::missing);
  client_prompt_[client] = model;
}

void ImageBuilder::copy_prompt_models(const Profile& profile) {
  copied_prompts_ = static_cast<std::uint32_t>(prompt_models_.size());
  for (const PromptModel& model : profile.prompt_models()) {
    const auto own = profile.prompt_levels().subspan(model.first_level, model.levels);
    std::vector<PromptLevel> levels(own.begin(), own.end());
    for (PromptLevel& level : levels) level.tokens = copy_distribution(profile, level.tokens);
    add_prompt_model(model, levels);
  }
}

struct ImageBuilder::CellColumns {
  std::vector<std::uint64_t> window_offsets;
  std::vector<std::uint32_t> client;
  std::vector<double> rate;
  std::vector<double> shape;
  std::vector<double> cv;
  std::vector<Family> family;

  void resize(std::size_t cells) {
    client.resize(cells);
    rate.resize(cells);
    shape.resize(cells);
    cv.resize(cells);
    family.resize(cells);
  }
  void put(std::size_t at, const PlacedCell& placed) {
    client[at] = placed.client;
    rate[at] = placed.cell.rate;
    shape[at] = placed.cell.shape;
    cv[at] = placed.cell.cv;
    family[at] = placed.cell.family;
  }
  [[nodiscard]] PlacedCell cell(std::size_t at) const {
    return {0, client[at], {rate[at], shape[at], cv[at], family[at]}};
  }
};

ImageBuilder::CellColumns ImageBuilder::sorted_cells() const {
  CellColumns columns;
  columns.window_offsets.assign(std::size_t{grid_.windows} + 1, 0);
  for (const PlacedCell& cell : cells_) ++columns.window_offsets[cell.window + 1];
  for (std::size_t w = 0; w < grid_.windows; ++w) columns.window_offsets[w + 1] += columns.window_offsets[w];

  // Bucketed by window; within one, the order of adding, which usually is that of the clients already.
  columns.resize(cells_.size());
  std::vector<std::uint64_t> next(columns.window_offsets.begin(), columns.window_offsets.end() - 1);
  for (const PlacedCell& cell : cells_) columns.put(static_cast<std::size_t>(next[cell.window]++), cell);
  std::vector<PlacedCell> sorted;
  for (std::size_t w = 0; w < grid_.windows; ++w) {
    const auto begin = static_cast<std::size_t>(columns.window_offsets[w]);
    const auto end = static_cast<std::size_t>(columns.window_offsets[w + 1]);
    const auto clients = std::span(columns.client).subspan(begin, end - begin);
    if (!std::ranges::is_sorted(clients)) {
      sorted.clear();
      for (std::size_t at = begin; at < end; ++at) sorted.push_back(columns.cell(at));
      std::ranges::sort(sorted, {}, &PlacedCell::client);
      for (std::size_t at = begin; at < end; ++at) columns.put(at, sorted[at - begin]);
    }
    const auto twice = std::ranges::adjacent_find(clients);
    if (twice != clients.end()) {
      throw ProfileError("client " + std::to_string(*twice) + " has two cells in window " +
                         std::to_string(w) + "; at most one is allowed");
    }
  }
  return columns;
}

std::vector<Correlation> ImageBuilder::sorted_correlations() const {
  const auto key = [](const Correlation& c) { return std::tuple(c.client, c.field_a, c.field_b); };
  std::vector<Correlation> sorted = correlations_;
  std::ranges::sort(sorted, {}, key);
  const auto twice = std::ranges::adjacent_find(sorted, {}, key);
  require(twice == sorted.end(), [&] {
    const std::span<const Field> fields = fields_of(category_);
    return "client " + std::to_string(twice->client) + " has two correlations of " +
           std::string(name(fields[twice->field_a])) + " and " + std::string(name(fields[twice->field_b])) +
           "; at most one is allowed";
  });
  return sorted;
}

std::vector<SessionPersistence> ImageBuilder::sorted_persistence() const {
  const auto key = [](const SessionPersistence& entry) { return std::pair(entry.model, entry.field); };
  std::vector<SessionPersistence> sorted = session_persistence_;
  std::ranges::sort(sorted, {}, key);
  const auto twice = std::ranges::adjacent_find(sorted, {}, key);
  require(twice == sorted.end(), [&] {
    return "session model " + std::to_string(twice->model) + " has persistence of " +
           std::string(name(fields_of(category_)[twice->field])) + " twice; at most once is allowed";
  });
  return sorted;
}

std::vector<std::uint32_t> ImageBuilder::fields_by_epoch() const {
  const std::size_t fields = fields_of(category_).size();
  const std::size_t clients = name_offsets_.size() - 1;
  std::vector<std::uint32_t> result(field_distribution_.size());
  for (std::size_t client = 0; client < clients; ++client) {
    for (std::size_t epoch = 0; epoch < grid_.epochs; ++epoch) {
      const std::uint32_t* const from = field_distribution_.data() + (client * grid_.epochs + epoch) * fields;
      std::copy_n(from, fields,
                  result.begin() + static_cast<std::ptrdiff_t>((epoch * clients + client) * fields));
    }
  }
  return result;
}

std::vector<std::byte> ImageBuilder::image() const {
  const CellColumns cells = sorted_cells();
  const std::vector<std::uint32_t> fields = fields_by_epoch();
  const std::vector<Correlation> correlations = sorted_correlations();
  tide::View view;
  view.grid = {grid_.window_ns,
               grid_.epoch_ns,
               grid_.windows,
               grid_.epochs,
               static_cast<std::uint32_t>(name_offsets_.size() - 1),
               static_cast<std::uint8_t>(category_),
               static_cast<std::uint8_t>(default_counts_),
               static_cast<std::uint8_t>(fields_of(category_).size()),
               0};
  view.metadata = metadata_;
  view.client_name_offsets = name_offsets_;
  view.client_names = names_;
  view.window_offsets = cells.window_offsets;
  view.cell_client = cells.client;
  view.cell_rate = cells.rate;
  view.cell_shape = cells.shape;
  view.cell_cv = cells.cv;
  view.cell_family = cells.family;
  view.field_distribution = fields;
  view.distributions = distributions_;
  view.integer_values = integer_values_;
  view.real_values = real_values_;
  view.probabilities = probabilities_;
  view.correlations = correlations;
  view.session_models = session_models_;
  view.session_steps = session_steps_;
  std::vector<std::uint32_t> client_session = client_session_;
  if (!client_session.empty()) client_session.resize(view.grid.clients, Profile::missing);
  view.client_session = client_session;
  view.prompt_models = prompt_models_;
  view.prompt_levels = prompt_levels_;
  std::vector<std::uint32_t> client_prompt = client_prompt_;
  if (!client_prompt.empty()) client_prompt.resize(view.grid.clients, Profile::missing);
  view.client_prompt = client_prompt;
  view.gap_tables = gap_tables_;
  view.gap_probabilities = gap_probabilities_;
  std::vector<RateNoise> rate_noise = rate_noise_;
  if (!rate_noise.empty()) rate_noise.resize(view.grid.clients);
  view.rate_noise = rate_noise;
  std::vector<SessionWaits> session_waits = session_waits_;
  if (!session_waits.empty()) session_waits.resize(session_steps_.size());
  view.session_waits = session_waits;
  const std::vector<SessionPersistence> session_persistence = sorted_persistence();
  view.session_persistence = session_persistence;
  tide::check_content(view, "profile");
  return tide::write(view);
}

}  // namespace tracetide
