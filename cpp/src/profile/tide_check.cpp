// The content of an image: every value that the engine relies on. The passes over large sections only
// gather whether all is well (which vectorises); the search for the first offender comes after.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>

#include "base/message.hpp"
#include "math/correlation.hpp"
#include "profile/arrival_check.hpp"
#include "profile/json_text.hpp"
#include "profile/session_check.hpp"
#include "profile/tide.hpp"
#include "tracetide/error.hpp"

namespace tracetide::tide {

namespace {

struct Place {
  const std::string& origin;
  Section section;

  [[noreturn]] void fail(const std::string& message) const {
    throw ProfileError(origin + ": section " + std::string(name(section)) + ": " + message);
  }
  [[noreturn]] void fail(std::size_t entry, const std::string& message) const {
    fail("entry " + std::to_string(entry) + ": " + message);
  }
};

std::string text(double value) { return number_text(value); }
std::string text(std::uint32_t value) { return std::to_string(value); }
std::string text(std::uint64_t value) { return std::to_string(value); }
std::string text(Family value) { return std::to_string(static_cast<unsigned>(value)); }

template <typename T, typename Predicate>
void require_all(std::span<const T> values, const Place& place, const char* allowed, Predicate&& holds) {
  bool all = true;
  for (const T value : values) all &= holds(value);
  if (all) return;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!holds(values[i])) place.fail(i, text(values[i]) + "; allowed: " + allowed);
  }
}

void require_count(std::size_t count, std::uint64_t expected, const Place& place) {
  if (count == expected) return;
  place.fail(std::to_string(count) + " entries; " + std::to_string(expected) +
             " expected from the other sections");
}

/// Offsets from 0 to `end`, never falling, one more than there are things.
void check_offsets(std::span<const std::uint64_t> offsets, std::uint64_t things, std::uint64_t end,
                   const Place& place) {
  require_count(offsets.size(), things + 1, place);
  if (offsets.front() != 0) place.fail(0, text(offsets.front()) + "; 0 expected");
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    if (offsets[i] < offsets[i - 1]) place.fail(i, text(offsets[i]) + " is below the entry before it");
  }
  if (offsets.back() != end) {
    place.fail(offsets.size() - 1,
               text(offsets.back()) + "; " + text(end) + " expected, the end of what it points to");
  }
}

void check_grid(const GridRecord& grid, const Place& place) {
  if (grid.window_ns <= 0) place.fail("window_ns " + std::to_string(grid.window_ns) + "; allowed: above 0");
  if (grid.windows == 0) place.fail("windows 0; allowed: at least 1");
  if (grid.window_ns > max_period_ns / grid.windows) {
    place.fail("the period of " + std::to_string(grid.windows) + " windows of " +
               std::to_string(grid.window_ns) + " ns is longer than 2^62 ns");
  }
  if (grid.epochs == 0) place.fail("epochs 0; allowed: at least 1");
  if (grid.epoch_ns <= 0 || grid.epoch_ns % grid.window_ns != 0) {
    place.fail("epoch_ns " + std::to_string(grid.epoch_ns) + "; allowed: a positive multiple of window_ns " +
               std::to_string(grid.window_ns));
  }
  if (grid.clients == 0 || grid.clients == Profile::missing) {
    place.fail("clients " + std::to_string(grid.clients) + "; allowed: 1 to 2^32 - 2");
  }
  if (grid.category > static_cast<std::uint8_t>(Category::multimodal)) {
    place.fail("category " + std::to_string(grid.category) +
               "; allowed: 0 (language), 1 (reason), 2 (multimodal)");
  }
  if (grid.default_counts < static_cast<std::uint8_t>(Counts::pinned) ||
      grid.default_counts > static_cast<std::uint8_t>(Counts::servegen)) {
    place.fail("default_counts " + std::to_string(grid.default_counts) +
               "; allowed: 1 (pinned), 2 (renewal), 3 (servegen)");
  }
  const std::size_t fields = fields_of(static_cast<Category>(grid.category)).size();
  if (grid.fields != fields) {
    place.fail("fields " + std::to_string(grid.fields) + "; the category has " + std::to_string(fields));
  }
  if (grid.reserved != 0) place.fail("reserved " + std::to_string(grid.reserved) + "; 0 expected");
}

void check_metadata(const View& view, const Place& place) {
  try {
    check_json_object({view.metadata.data(), view.metadata.size()});
  } catch (const TextError& error) {
    place.fail(error.what() + (" at byte " + std::to_string(error.position())));
  }
}

/// Clients ascending within every window.
void check_cell_clients(const View& view, const Place& place) {
  const std::uint32_t clients = view.grid.clients;
  require_all(view.cell_client, place, "below the number of clients",
              [clients](std::uint32_t client) { return client < clients; });
  const std::uint32_t* const client = view.cell_client.data();
  for (std::size_t window = 0; window + 1 < view.window_offsets.size(); ++window) {
    bool ascending = true;
    for (std::uint64_t i = view.window_offsets[window] + 1; i < view.window_offsets[window + 1]; ++i) {
      ascending &= client[i - 1] < client[i];
    }
    if (!ascending)
      place.fail("window " + std::to_string(window) + ": the clients are not in ascending order");
  }
}

bool is_shape(Family family, double shape, double tables) noexcept {
  const bool of_table = (shape >= 0) & (shape < tables) & (shape == __builtin_floor(shape));
  const bool of_family = (shape >= min_shape) & (shape <= max_shape);
  return family == Family::table ? of_table : of_family & ((family != Family::exponential) | (shape == 1));
}

void check_shapes(const View& view, const Place& place) {
  const auto tables = static_cast<double>(view.gap_tables.size());
  bool all = true;
  for (std::size_t i = 0; i < view.cell_shape.size(); ++i)
    all &= is_shape(view.cell_family[i], view.cell_shape[i], tables);
  if (all) return;
  for (std::size_t i = 0; i < view.cell_shape.size(); ++i) {
    if (is_shape(view.cell_family[i], view.cell_shape[i], tables)) continue;
    const std::string found = text(view.cell_shape[i]);
    if (view.cell_family[i] == Family::table)
      place.fail(i, "table " + found + "; there are " + std::to_string(view.gap_tables.size()));
    if (view.cell_family[i] == Family::exponential && view.cell_shape[i] >= min_shape)
      place.fail(i, found + "; 1 expected for Exponential");
    place.fail(i, found + "; allowed: 0.005 to 1e5");
  }
}

void check_cells(const View& view, const std::string& origin) {
  const std::uint64_t cells = view.cell_client.size();
  check_offsets(view.window_offsets, view.grid.windows, cells, {origin, Section::window_offsets});
  require_count(view.cell_rate.size(), cells, {origin, Section::cell_rate});
  require_count(view.cell_shape.size(), cells, {origin, Section::cell_shape});
  require_count(view.cell_cv.size(), cells, {origin, Section::cell_cv});
  require_count(view.cell_family.size(), cells, {origin, Section::cell_family});
  check_cell_clients(view, {origin, Section::cell_client});
  // Bitwise operators instead of && and ||: no branches, so that the loops vectorise.
  require_all(view.cell_rate, {origin, Section::cell_rate}, "above 0, at most 1e12",
              [](double rate) { return (rate > 0) & (rate <= max_rate); });
  require_all(view.cell_cv, {origin, Section::cell_cv}, "at least 0 and finite, or NaN when not recorded",
              [](double cv) { return !((cv < 0) | (cv > std::numeric_limits<double>::max())); });
  require_all(view.cell_family, {origin, Section::cell_family},
              "0 (Exponential), 1 (Gamma), 2 (Weibull), 3 (Table)",
              [](Family family) { return family <= Family::table; });
  check_shapes(view, {origin, Section::cell_shape});
}

/// Tables like distributions: in order, without gaps or overlap.
void check_gap_tables(const View& view, const std::string& origin) {
  const Place place{origin, Section::gap_tables};
  require_all(view.gap_probabilities, {origin, Section::gap_probabilities}, "at least 0",
              [](double probability) { return probability >= 0; });
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < view.gap_tables.size(); ++i) {
    const GapTableRecord& record = view.gap_tables[i];
    if (record.first_probability != next || record.count > view.gap_probabilities.size() - next) {
      place.fail(i, text(record.count) + " probabilities from " + text(record.first_probability) +
                        " on do not follow on the table before");
    }
    const std::string wrong = gap_table_fault(
        {record.first_bin, view.gap_probabilities.subspan(static_cast<std::size_t>(next), record.count)});
    if (!wrong.empty()) place.fail(i, wrong);
    next += record.count;
  }
  require_count(view.gap_probabilities.size(), next, {origin, Section::gap_probabilities});
}

void check_rate_noise(const View& view, const Place& place) {
  if (view.rate_noise.empty()) return;
  require_count(view.rate_noise.size(), view.grid.clients, place);
  for (std::size_t i = 0; i < view.rate_noise.size(); ++i) {
    const std::string wrong = rate_noise_fault(view.rate_noise[i]);
    if (!wrong.empty()) place.fail(i, wrong);
  }
}

/// What fields a distribution can serve.
struct Usable {
  bool as_tokens = false;
  bool as_ratio = false;
  double highest = 0;
};

bool is_count(Field field) noexcept {
  return field == Field::image_count || field == Field::audio_count || field == Field::video_count;
}

template <typename T>
bool ascending(std::span<const T> values, bool strictly) {
  bool good = true;
  if (strictly) {
    for (std::size_t i = 1; i < values.size(); ++i) good &= values[i - 1] < values[i];
  } else {
    for (std::size_t i = 1; i < values.size(); ++i) good &= values[i - 1] <= values[i];
  }
  return good;
}

/// Sum of non-negative numbers in four lanes, or NaN if one is negative or NaN.
double sum_if_not_negative(std::span<const double> values) {
  std::array<double, 4> lane{};
  bool good = true;
  std::size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    for (std::size_t j = 0; j < 4; ++j) {
      lane[j] += values[i + j];
      good &= values[i + j] >= 0;
    }
  }
  for (; i < values.size(); ++i) {
    lane[0] += values[i];
    good &= values[i] >= 0;
  }
  return good ? (lane[0] + lane[1]) + (lane[2] + lane[3]) : std::numeric_limits<double>::quiet_NaN();
}

/// Takes the distributions in order and eats up the value and probability sections.
class DistributionChecker {
 public:
  DistributionChecker(const View& view, const std::string& origin)
      : view_(view), place_{origin, Section::distributions}, origin_(origin) {}

  [[nodiscard]] std::vector<Usable> run() {
    std::vector<Usable> usable;
    usable.reserve(view_.distributions.size());
    for (; index_ < view_.distributions.size(); ++index_)
      usable.push_back(check(view_.distributions[index_]));
    require_count(view_.integer_values.size(), next_integer_, {origin_, Section::integer_values});
    require_count(view_.real_values.size(), next_real_, {origin_, Section::real_values});
    require_count(view_.probabilities.size(), next_probability_, {origin_, Section::probabilities});
    return usable;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { place_.fail(index_, message); }

  /// The next `count` elements of a section; the record must start where the one before it ended.
  template <typename T>
  std::span<const T> take(std::span<const T> pool, std::uint64_t first, std::uint64_t count,
                          std::uint64_t& next, Section section) {
    if (first != next || count > pool.size() - next) {
      fail("entries " + text(first) + " and " + text(count) + " on of section " + std::string(name(section)) +
           " do not follow on the distribution before, or do not exist");
    }
    next += count;
    return pool.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  }

  void check_probabilities(const DistributionRecord& record) {
    const auto probabilities = take(view_.probabilities, record.first_probability, record.count,
                                    next_probability_, Section::probabilities);
    const double sum = sum_if_not_negative(probabilities);
    if (!(sum >= min_probability_sum && sum <= max_probability_sum)) {
      fail("probabilities that sum to " + text(sum) +
           "; allowed: none negative or NaN, and a sum from 1e-9 to 1e9");
    }
  }

  Usable check_integers(const DistributionRecord& record) {
    const auto values =
        take(view_.integer_values, record.first_value, record.count, next_integer_, Section::integer_values);
    if (!ascending(values, true)) fail("the values are not ascending and unique");
    check_probabilities(record);
    check_ends(record, values.front(), values.back());
    return {.as_tokens = true, .as_ratio = false, .highest = static_cast<double>(values.back())};
  }

  /// Bins of whole numbers: as an integer PMF, but the last one ends where the maximum says.
  Usable check_bins(const DistributionRecord& record) {
    const auto values =
        take(view_.integer_values, record.first_value, record.count, next_integer_, Section::integer_values);
    if (!ascending(values, true)) fail("the bins are not ascending and unique");
    check_probabilities(record);
    const double last = record.maximum;
    if (!(record.minimum == values.front() && last >= values.back() && last <= max_tokens &&
          last == std::floor(last))) {
      fail("minimum " + text(record.minimum) + " and maximum " + text(last) + "; the first bin's start, " +
           text(values.front()) + ", and a whole number from the last one's, " + text(values.back()) +
           ", to 2^32 - 1 expected");
    }
    return {.as_tokens = true, .as_ratio = false, .highest = last};
  }

  Usable check_reals(const DistributionRecord& record) {
    const auto values =
        take(view_.real_values, record.first_value, record.count, next_real_, Section::real_values);
    check_finite(values);
    if (!ascending(values, true)) fail("the values are not ascending and unique");
    check_probabilities(record);
    check_ends(record, values.front(), values.back());
    return {
        .as_tokens = false, .as_ratio = values.front() >= 0 && values.back() <= 1, .highest = values.back()};
  }

  Usable check_quantiles(const DistributionRecord& record) {
    if (record.count < 2) fail("1 quantile; at least 2 are needed");
    const auto values =
        take(view_.real_values, record.first_value, record.count, next_real_, Section::real_values);
    if (record.first_probability != next_probability_)
      fail("first_probability does not follow on the PMF before");
    check_finite(values);
    if (!ascending(values, false)) fail("the quantiles are not ascending");
    const double low = record.minimum;
    const double high = record.maximum;
    if (!(low <= high && std::isfinite(low) && std::isfinite(high))) {
      fail("minimum " + text(low) + ", maximum " + text(high) + "; allowed: finite, minimum <= maximum");
    }
    const bool whole = low == std::floor(low) && high == std::floor(high);
    const bool tokens = values.front() >= 0 && values.back() <= max_tokens && low >= 0 && high <= max_tokens;
    const bool ratio = values.front() >= 0 && values.back() <= 1 && low >= 0 && high <= 1;
    return {.as_tokens = tokens && whole, .as_ratio = ratio, .highest = record.maximum};
  }

  void check_finite(std::span<const double> values) const {
    bool finite = true;
    for (const double value : values) finite &= std::fabs(value) <= std::numeric_limits<double>::max();
    if (!finite) fail("a value is not finite");
  }

  void check_ends(const DistributionRecord& record, double first, double last) const {
    if (record.minimum == first && record.maximum == last) return;
    fail("minimum " + text(record.minimum) + " and maximum " + text(record.maximum) +
         "; the first and last value, " + text(first) + " and " + text(last) + ", expected");
  }

  Usable check(const DistributionRecord& record) {
    if (record.reserved != 0) fail("reserved " + text(record.reserved) + "; 0 expected");
    if (record.count == 0) fail("no values");
    switch (static_cast<DistributionKind>(record.kind)) {
      case DistributionKind::integer_pmf:
        return check_integers(record);
      case DistributionKind::real_pmf:
        return check_reals(record);
      case DistributionKind::quantiles:
        return check_quantiles(record);
      case DistributionKind::bins:
        return check_bins(record);
    }
    fail("kind " + text(record.kind) + "; allowed: 0 (integer PMF), 1 (real PMF), 2 (quantiles), 3 (bins)");
  }

  const View& view_;
  Place place_;
  const std::string& origin_;
  std::size_t index_ = 0;
  std::uint64_t next_integer_ = 0;
  std::uint64_t next_real_ = 0;
  std::uint64_t next_probability_ = 0;
};

void check_references(const View& view, const std::vector<Usable>& usable, const Place& place) {
  const std::span<const Field> fields = fields_of(static_cast<Category>(view.grid.category));
  // The product of two 32-bit numbers fits; the count is compared by division.
  const std::uint64_t rows = std::uint64_t{view.grid.epochs} * view.grid.clients;
  const std::size_t count = view.field_distribution.size();
  if (count % fields.size() != 0 || count / fields.size() != rows) {
    place.fail(std::to_string(count) +
               " entries; epochs * clients * fields = " + std::to_string(view.grid.epochs) + " * " +
               std::to_string(view.grid.clients) + " * " + std::to_string(fields.size()) + " expected");
  }
  std::size_t position = 0;
  for (const std::uint32_t id : view.field_distribution) {
    const std::size_t entry = position++;
    if (id == Profile::missing) continue;
    if (id >= usable.size()) {
      place.fail(entry, "distribution " + text(id) + "; there are " + std::to_string(usable.size()));
    }
    const Field field = fields[entry % fields.size()];
    const bool fits = field == Field::reason_ratio ? usable[id].as_ratio : usable[id].as_tokens;
    if (is_count(field) && usable[id].highest > max_items) {
      place.fail(entry, "distribution " + text(id) + " of " + std::string(name(field)) + " goes up to " +
                            text(usable[id].highest) + "; a request can have at most " + text(max_items) +
                            " items");
    }
    if (!fits) {
      place.fail(entry,
                 "distribution " + text(id) + " cannot serve " + std::string(name(field)) + ", which takes " +
                     (field == Field::reason_ratio
                          ? "a real PMF or quantiles, with values from 0 to 1"
                          : "an integer PMF, bins or quantiles, with values from 0 to 2^32 - 1 and whole "
                            "bounds"));
    }
  }
}

/// What a request of multimodal clients adds up to, on average: a sum beyond 2^32 - 1 tokens is no request's.
class InputChecker {
 public:
  InputChecker(const View& view, const Place& place)
      : view_(view), place_(place), mean_(view.distributions.size(), unknown) {}

  void run() {
    const std::span<const Field> fields = fields_of(Category::multimodal);
    for (std::size_t entry = 0; entry < view_.field_distribution.size(); entry += fields.size()) {
      const auto ids = view_.field_distribution.subspan(entry, fields.size());
      if (std::ranges::find(ids, Profile::missing) == ids.end()) check(entry, ids);
    }
  }

 private:
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

  void check(std::size_t entry, std::span<const std::uint32_t> ids) {
    const std::span<const Field> fields = fields_of(Category::multimodal);
    double sum = 0;
    std::string terms;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i] == Field::text_tokens) sum += mean(ids[i]);
      if (is_count(fields[i])) sum += mean(ids[i]) * mean(ids[i + 1]);
    }
    if (sum <= max_tokens) return;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i] == Field::output_tokens) continue;
      terms.append(terms.empty() ? "" : ", ").append(name(fields[i])).append(" ").append(text(mean(ids[i])));
    }
    place_.fail(entry, "requests of " + text(sum) + " input tokens on average (means: " + terms +
                           "); allowed: at most 2^32 - 1");
  }

  double mean(std::uint32_t id) {
    if (std::isnan(mean_[id])) mean_[id] = statistics(distribution(view_.distributions[id]), {}).mean;
    return mean_[id];
  }

  [[nodiscard]] Distribution distribution(const DistributionRecord& record) const {
    const auto first = static_cast<std::size_t>(record.first_value);
    const auto count = static_cast<std::size_t>(record.count);
    Distribution made;
    made.kind = static_cast<DistributionKind>(record.kind);
    made.minimum = record.minimum;
    made.maximum = record.maximum;
    if (made.kind == DistributionKind::quantiles) {
      made.real_values = view_.real_values.subspan(first, count);
      return made;
    }
    made.integer_values = view_.integer_values.subspan(first, count);
    made.probabilities =
        view_.probabilities.subspan(static_cast<std::size_t>(record.first_probability), count);
    return made;
  }

  const View& view_;
  Place place_;
  std::vector<double> mean_;  // by distribution
};

/// Those of one client: a matrix that normal variates can have.
void check_matrix(std::span<const Correlation> correlations, std::size_t fields, const View& view,
                  const Place& place) {
  std::vector<double> matrix(fields * fields);
  for (std::size_t i = 0; i < fields; ++i) matrix[i * fields + i] = 1;
  for (const Correlation& entry : correlations) {
    matrix[entry.field_b * fields + entry.field_a] = normal_correlation(entry.spearman);
  }
  if (cholesky(matrix, fields)) return;
  const auto client = static_cast<std::size_t>(correlations.front().client);
  const auto begin = static_cast<std::size_t>(view.client_name_offsets[client]);
  const auto end = static_cast<std::size_t>(view.client_name_offsets[client + 1]);
  place.fail("client " + text(correlations.front().client) + " (" +
             std::string(view.client_names.data() + begin, end - begin) +
             "): its correlations contradict each other; together they must be positive definite");
}

void check_correlations(const View& view, const Place& place) {
  const std::span<const Field> fields = fields_of(static_cast<Category>(view.grid.category));
  const std::span<const Correlation> all = view.correlations;
  const auto key = [](const Correlation& c) { return std::tuple(c.client, c.field_a, c.field_b); };
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Correlation& entry = all[i];
    if (entry.client >= view.grid.clients)
      place.fail(i, "client " + text(entry.client) + "; there are " + text(view.grid.clients));
    if (entry.field_a >= entry.field_b || entry.field_b >= fields.size() ||
        !is_drawn_once(fields[entry.field_a]) || !is_drawn_once(fields[entry.field_b])) {
      place.fail(i, "fields " + std::to_string(entry.field_a) + " and " + std::to_string(entry.field_b) +
                        "; two different fields that are drawn once for a request, in order, expected");
    }
    if (entry.reserved != 0) place.fail(i, "reserved " + std::to_string(entry.reserved) + "; 0 expected");
    if (!(entry.spearman > -1 && entry.spearman < 1))
      place.fail(i, text(entry.spearman) + "; allowed: above -1, below 1");
    if (i > 0 && !(key(all[i - 1]) < key(entry)))
      place.fail(i, "not in order of clients and fields, or there twice");
  }
  for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
    while (end < all.size() && all[end].client == all[begin].client) ++end;
    check_matrix(all.subspan(begin, end - begin), fields.size(), view, place);
  }
}

}  // namespace

/// A model or none for every client, or nothing at all.
void check_assignment(std::span<const std::uint32_t> assigned, std::size_t models, const View& view,
                      const Place& place) {
  if (assigned.empty()) return;
  require_count(assigned.size(), view.grid.clients, place);
  require_all(assigned, place, "a model, or 0xFFFFFFFF",
              [models](std::uint32_t id) { return id < models || id == Profile::missing; });
}

void check_prompts(const View& view, const std::string& origin) {
  check_assignment(view.client_prompt, view.prompt_models.size(), view, {origin, Section::client_prompt});
  const Place models{origin, Section::prompt_models};
  const Place levels{origin, Section::prompt_levels};
  std::size_t next = 0;
  for (std::size_t i = 0; i < view.prompt_models.size(); ++i) {
    const PromptModel& model = view.prompt_models[i];
    if (!(model.share >= 0 && model.share <= 1))
      models.fail(i, "share " + text(model.share) + "; allowed: 0 to 1");
    if (model.levels < 1 || model.levels > max_prompt_levels || model.first_level != next ||
        model.levels > view.prompt_levels.size() - next) {
      models.fail(i, "levels " + text(model.first_level) + " and " + text(model.levels) +
                         " on do not follow on the model before, or are not 1 to 3");
    }
    next += model.levels;
  }
  require_count(view.prompt_levels.size(), next, levels);
  for (std::size_t i = 0; i < view.prompt_levels.size(); ++i) {
    const PromptLevel& level = view.prompt_levels[i];
    if (!(level.exponent >= 0 && level.exponent <= 100))
      levels.fail(i, "exponent " + text(level.exponent) + "; allowed: 0 to 100");
    if (level.prompts < 1 || level.prompts > max_prompts)
      levels.fail(i, text(level.prompts) + " prompts; allowed: 1 to 2^24");
    if (level.tokens >= view.distributions.size())
      levels.fail(i, "distribution " + text(level.tokens) + "; there are " +
                         std::to_string(view.distributions.size()));
    const DistributionRecord& record = view.distributions[level.tokens];
    const auto kind = static_cast<DistributionKind>(record.kind);
    if ((kind != DistributionKind::integer_pmf && kind != DistributionKind::bins) || record.minimum < 1)
      levels.fail(i, "tokens: an integer PMF or bins, from 1 on, expected");
  }
}

void check_session_waits(const View& view, const Place& place) {
  if (view.session_waits.empty()) return;
  require_count(view.session_waits.size(), view.session_steps.size(), place);
  const auto is_growth = [](double value) { return value >= 0 && value <= max_wait_growth; };
  for (std::size_t i = 0; i < view.session_waits.size(); ++i) {
    const SessionWaits& waits = view.session_waits[i];
    if (!is_growth(waits.output) || !is_growth(waits.tokens)) {
      place.fail(i, "waits that grow by " + text(waits.output) + " and " + text(waits.tokens) +
                        " a token; allowed: 0 to 1e6");
    }
    const SessionStep& step = view.session_steps[i];
    const bool is_one_call = step.child == SessionStep::missing && step.calls == SessionStep::missing;
    if (waits.any() && !(is_one_call && step.failure == 0))
      place.fail(i, "waits that grow with tokens, of a sub-agent, of several calls or of one that can fail");
  }
}

void check_session_persistence(const View& view, const Place& place) {
  const std::span<const Field> fields = fields_of(static_cast<Category>(view.grid.category));
  const std::span<const SessionPersistence> all = view.session_persistence;
  const auto key = [](const SessionPersistence& entry) { return std::pair(entry.model, entry.field); };
  for (std::size_t i = 0; i < all.size(); ++i) {
    const SessionPersistence& entry = all[i];
    if (entry.model >= view.session_models.size()) {
      place.fail(i, "session model " + text(entry.model) + "; there are " +
                        std::to_string(view.session_models.size()));
    }
    if (entry.field >= fields.size() || !is_drawn_once(fields[entry.field]))
      place.fail(i, "field " + text(entry.field) + "; one that is drawn once for a request expected");
    if (!(entry.share >= 0 && entry.share < 1 && entry.memory >= 0 && entry.memory < 1)) {
      place.fail(i, "share " + text(entry.share) + " and memory " + text(entry.memory) +
                        "; allowed: from 0 to below 1");
    }
    if (i > 0 && !(key(all[i - 1]) < key(entry)))
      place.fail(i, "not in order of models and fields, or there twice");
  }
}

void check_sessions(const View& view, const std::string& origin) {
  check_assignment(view.client_session, view.session_models.size(), view, {origin, Section::client_session});
  try {
    const SessionModelChecker check(view.session_models, view.session_steps, view.distributions);
    check.run();
  } catch (const SessionModelChecker::Wrong& wrong) {
    Place{origin, wrong.step ? Section::session_steps : Section::session_models}.fail(wrong.entry,
                                                                                      wrong.message);
  }
  check_session_waits(view, {origin, Section::session_waits});
  check_session_persistence(view, {origin, Section::session_persistence});
}

void check_content(const View& view, const std::string& origin) {
  check_grid(view.grid, {origin, Section::grid});
  check_metadata(view, {origin, Section::metadata});
  check_offsets(view.client_name_offsets, view.grid.clients, view.client_names.size(),
                {origin, Section::client_name_offsets});
  check_gap_tables(view, origin);
  check_rate_noise(view, {origin, Section::rate_noise});
  check_cells(view, origin);
  const std::vector<Usable> usable = DistributionChecker(view, origin).run();
  check_references(view, usable, {origin, Section::field_distribution});
  if (static_cast<Category>(view.grid.category) == Category::multimodal)
    InputChecker(view, {origin, Section::field_distribution}).run();
  check_correlations(view, {origin, Section::correlations});
  check_sessions(view, origin);
  check_prompts(view, origin);
}

}  // namespace tracetide::tide
