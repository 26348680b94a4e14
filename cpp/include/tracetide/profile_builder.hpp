// A profile without a file: clients, when they send, and how long their requests are.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tracetide/profile.hpp"

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

/// The times of a profile: windows, in each of which a client has one rate, and epochs, in each of which it
/// has one distribution of every field.
struct Grid {
  std::int64_t window_ns = 0;
  std::uint32_t windows = 0;  ///< in a period
  std::int64_t epoch_ns = 0;  ///< a multiple of window_ns
  std::uint32_t epochs = 0;
};

/// One active window of a client.
struct Cell {
  double rate = 0;  ///< requests/s, above 0
  double shape =
      1;          ///< of the gap family, in [min_shape, max_shape]; 1 for exponential; of a table its number
  double cv = 0;  ///< coefficient of variation of the gaps as recorded; NaN when not recorded
  Family family = Family::exponential;
};

/// Add clients first, then what they have in any order; `build` when all is there. Memory is in proportion to
/// the cells and the distinct distributions.
///
/// Everything is checked: members throw ProfileError saying what is wrong, and std::logic_error if the
/// builder has been moved from.
class ProfileBuilder {
 public:
  /// @param default_counts  what Counts::profile means for it; not Counts::profile itself
  /// @param metadata  a JSON object: name, source, licence
  ProfileBuilder(Category category, Grid grid, Counts default_counts, std::string metadata = "{}");
  ~ProfileBuilder();
  ProfileBuilder(ProfileBuilder&&) noexcept;
  ProfileBuilder& operator=(ProfileBuilder&&) noexcept;

  [[nodiscard]] Category category() const;

  /// Its number: they count from 0.
  std::uint32_t add_client(std::string_view name);
  /// At most one for a client and window.
  void add_cell(std::uint32_t client, std::uint32_t window, const Cell& cell);
  /// A gap law for cells of Family::table; its number. Equal ones get the same.
  std::uint32_t add_gap_table(const GapTable& table);
  /// How the client's rate moves inside windows.
  void set_rate_noise(std::uint32_t client, const RateNoise& noise);
  /// Clients like the one that was added last, with its cells, noise, distributions and correlations.
  void repeat_client(std::span<const std::string> names);

  /// Distributions, as DistributionKind says; their ids. Equal ones get the same id.
  std::uint32_t add_integer_pmf(std::span<const std::uint32_t> values, std::span<const double> probabilities);
  std::uint32_t add_real_pmf(std::span<const double> values, std::span<const double> probabilities);
  std::uint32_t add_quantiles(std::span<const double> quantiles, double minimum, double maximum);
  std::uint32_t add_bins(std::span<const std::uint32_t> values, std::span<const double> probabilities,
                         double maximum);
  /// What a field of a client is drawn from in an epoch. A client needs all fields of the category in one
  /// epoch at least; where they are missing, the nearest epoch's are taken.
  void set_field(std::uint32_t epoch, std::uint32_t client, Field field, std::uint32_t distribution);
  /// Of two fields that are drawn once for a request. That a client's correlations go together is checked by
  /// `build`.
  void set_correlation(std::uint32_t client, Field a, Field b, double spearman);

  /// A model of sessions, whose `first_step` and `steps` are set here; its number. Steps name distributions
  /// and the models of sub-agents by their numbers; that these come after those that call them is checked by
  /// `build`.
  std::uint32_t add_session_model(const SessionModel& model, std::span<const SessionStep> steps);
  [[nodiscard]] std::uint32_t session_models() const;
  /// Of a step of a model, counted within it.
  void set_waits(std::uint32_t model, std::uint32_t step, const SessionWaits& waits);
  /// Of a field that is drawn once for a request; at most once for a model and field.
  void set_persistence(std::uint32_t model, Field field, double share, double memory);
  void set_session(std::uint32_t client, std::uint32_t model);
  /// A model of prompts, whose `first_level` and `levels` are set here; its number.
  std::uint32_t add_prompt_model(const PromptModel& model, std::span<const PromptLevel> levels);
  void set_prompts(std::uint32_t client, std::uint32_t model);

  /// A copy of a client of a profile on the same grid, as a new client: cells with their rates times
  /// `rate_factor`, gap tables, noise, distributions, correlations, models. Its number.
  std::uint32_t add_copy(const Profile& profile, std::uint32_t client, std::string_view name,
                         double rate_factor = 1);
  /// The models of sessions and prompts of a profile with as many clients, for the client of the same number
  /// each.
  void copy_models(const Profile& profile);

  /// The profile of what is there; more can be added afterwards. @throws ProfileError also for what only the
  /// whole can show, such as two cells of a client in a window
  [[nodiscard]] Profile build() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tracetide
#pragma GCC visibility pop
