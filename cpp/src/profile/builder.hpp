// Collects clients, windows and distributions and lays them out as a `.tide` image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "profile/tide.hpp"
#include "tracetide/profile_builder.hpp"

namespace tracetide {

/// What is in a ProfileBuilder, which says more of it. Every argument is checked.
class ImageBuilder {
 public:
  ImageBuilder(Category category, Grid grid, Counts default_counts, std::string metadata_json);

  std::uint32_t add_client(std::string_view name);
  void add_cell(std::uint32_t client, std::uint32_t window, const Cell& cell);

  std::uint32_t add_gap_table(const GapTable& table);
  void set_rate_noise(std::uint32_t client, const RateNoise& noise);

  /// Clients like the one that was added last, with its cells, noise, distributions and correlations.
  void repeat_client(std::span<const std::string> names);

  /// Equal distributions get the same id.
  std::uint32_t add_integer_pmf(std::span<const std::uint32_t> values, std::span<const double> probabilities);
  std::uint32_t add_real_pmf(std::span<const double> values, std::span<const double> probabilities);
  std::uint32_t add_quantiles(std::span<const double> quantiles, double minimum, double maximum);
  /// Bin i holds values[i] to before values[i + 1], the last one to `maximum`.
  std::uint32_t add_bins(std::span<const std::uint32_t> values, std::span<const double> probabilities,
                         double maximum);
  /// `field` is a position in fields_of(category).
  void set_field(std::uint32_t epoch, std::uint32_t client, std::uint32_t field, std::uint32_t distribution);

  /// Fields are positions in fields_of(category), in any order. That a client's correlations go together is
  /// checked by image().
  void set_correlation(std::uint32_t client, std::uint32_t field_a, std::uint32_t field_b, double spearman);
  /// A model of sessions, whose steps' first is set here; distributions and, in steps, the models of
  /// sub-agents are named by their ids. That they fit is checked by image(), and that a sub-agent's model is
  /// added after those that call it.
  std::uint32_t add_session_model(SessionModel model, std::span<const SessionStep> steps);
  /// `step` counts within the model. Values of both are checked by image().
  void set_waits(std::uint32_t model, std::uint32_t step, const SessionWaits& waits);
  void set_persistence(const SessionPersistence& persistence);
  void set_session(std::uint32_t client, std::uint32_t model);
  [[nodiscard]] std::uint32_t session_models() const noexcept {
    return static_cast<std::uint32_t>(session_models_.size());
  }
  std::uint32_t add_prompt_model(PromptModel model, std::span<const PromptLevel> levels);
  void set_prompts(std::uint32_t client, std::uint32_t model);
  /// The models of sessions and prompts of a profile with as many clients, for the client of the same number
  /// each.
  void copy_models(const Profile& profile);
  /// A copy of a client of a profile on the same grid, as a new client: cells with their rates times
  /// `rate_factor`, gap tables, noise, recorded distributions, correlations. Returns its number.
  std::uint32_t add_copy(const Profile& profile, std::uint32_t client, std::string_view name,
                         double rate_factor);

  /// The image, checked as one that is opened. @throws ProfileError, for instance if a client has two
  /// cells in a window
  [[nodiscard]] std::vector<std::byte> image() const;

 private:
  struct PlacedCell {
    std::uint32_t window;
    std::uint32_t client;
    Cell cell;
  };
  struct CellColumns;

  void check_client(std::uint32_t client) const;
  void check_table(const Cell& cell) const;
  double copy_table(const Profile& profile, double number);
  void check_field(std::uint32_t field) const;
  void check_session_model(std::uint32_t model) const;
  void check_same_grid(const Profile& profile) const;
  std::uint32_t copy_distribution(const Profile& profile, std::uint32_t id);
  /// An equal distribution's id, or that of `record` as a new one. Its values are the last in the pools;
  /// when not needed they are taken off again.
  std::uint32_t add(tide::DistributionRecord record);
  [[nodiscard]] bool same(const tide::DistributionRecord& a, const tide::DistributionRecord& b) const;
  [[nodiscard]] std::span<const std::byte> value_bytes(const tide::DistributionRecord& record) const;
  [[nodiscard]] std::span<const std::byte> probability_bytes(const tide::DistributionRecord& record) const;
  [[nodiscard]] CellColumns sorted_cells() const;
  [[nodiscard]] std::vector<std::uint32_t> fields_by_epoch() const;
  [[nodiscard]] std::vector<Correlation> sorted_correlations() const;
  [[nodiscard]] std::vector<SessionPersistence> sorted_persistence() const;
  void start_copying(const Profile& profile);
  void copy_session_models(const Profile& profile);
  void copy_prompt_models(const Profile& profile);
  void copy_models_of(const Profile& profile, std::uint32_t client, std::uint32_t copy);

  Category category_;
  Grid grid_;
  Counts default_counts_;
  std::string metadata_;
  std::vector<std::uint64_t> name_offsets_{0};
  std::string names_{};
  std::vector<PlacedCell> cells_{};
  std::vector<std::uint32_t> field_distribution_{};  // [client][epoch][field]
  std::vector<tide::DistributionRecord> distributions_{};
  std::vector<std::uint32_t> integer_values_{};
  std::vector<double> real_values_{};
  std::vector<double> probabilities_{};
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_content_{};  // checksum → distribution
  std::vector<Correlation> correlations_{};
  std::vector<SessionModel> session_models_{};
  std::vector<SessionStep> session_steps_{};
  std::vector<SessionWaits> session_waits_{};  // up to the last step that has some
  std::vector<SessionPersistence> session_persistence_{};
  std::vector<std::uint32_t> client_session_{};  // up to the last client that has one
  std::vector<PromptModel> prompt_models_{};
  std::vector<PromptLevel> prompt_levels_{};
  std::vector<std::uint32_t> client_prompt_{};  // as client_session_
  std::vector<tide::GapTableRecord> gap_tables_{};
  std::vector<double> gap_probabilities_{};
  std::vector<RateNoise> rate_noise_{};  // as client_session_
  // Of the profile that clients were last copied from: its cells by client, and its distributions' ids here.
  std::optional<Profile> copied_{};
  std::vector<std::vector<PlacedCell>> copied_cells_{};
  std::vector<std::uint32_t> copied_ids_{};
  std::vector<std::uint32_t> copied_tables_{};
  std::optional<std::uint32_t> copied_models_{};   // the number here of its first model of sessions
  std::optional<std::uint32_t> copied_prompts_{};  // and of prompts
};

}  // namespace tracetide
