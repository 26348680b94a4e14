#include "tracetide/profile_builder.hpp"

#include <algorithm>
#include <utility>

#include "base/alive.hpp"
#include "profile/builder.hpp"
#include "tracetide/error.hpp"

namespace tracetide {

struct ProfileBuilder::State {
  Category category;
  ImageBuilder image;

  /// Where a field stands in fields_of(category).
  [[nodiscard]] std::uint32_t position(Field field) const {
    const std::span<const Field> fields = fields_of(category);
    const auto found = std::ranges::find(fields, field);
    if (found == fields.end()) {
      throw ProfileError("field " + std::string(name(field)) + "; the category " +
                         std::string(name(category)) + " does not have it");
    }
    return static_cast<std::uint32_t>(found - fields.begin());
  }
};

namespace {

template <class State>
State& in(const std::unique_ptr<State>& state) {
  return alive(state, "ProfileBuilder");
}

}  // namespace

ProfileBuilder::ProfileBuilder(Category category, Grid grid, Counts default_counts, std::string metadata)
    : state_(std::make_unique<State>(
          State{category, ImageBuilder(category, grid, default_counts, std::move(metadata))})) {}
ProfileBuilder::~ProfileBuilder() = default;
ProfileBuilder::ProfileBuilder(ProfileBuilder&&) noexcept = default;
ProfileBuilder& ProfileBuilder::operator=(ProfileBuilder&&) noexcept = default;

Category ProfileBuilder::category() const { return in(state_).category; }

std::uint32_t ProfileBuilder::add_client(std::string_view name) { return in(state_).image.add_client(name); }
void ProfileBuilder::add_cell(std::uint32_t client, std::uint32_t window, const Cell& cell) {
  in(state_).image.add_cell(client, window, cell);
}
std::uint32_t ProfileBuilder::add_gap_table(const GapTable& table) {
  return in(state_).image.add_gap_table(table);
}
void ProfileBuilder::set_rate_noise(std::uint32_t client, const RateNoise& noise) {
  in(state_).image.set_rate_noise(client, noise);
}
void ProfileBuilder::repeat_client(std::span<const std::string> names) {
  in(state_).image.repeat_client(names);
}

std::uint32_t ProfileBuilder::add_integer_pmf(std::span<const std::uint32_t> values,
                                              std::span<const double> probabilities) {
  return in(state_).image.add_integer_pmf(values, probabilities);
}
std::uint32_t ProfileBuilder::add_real_pmf(std::span<const double> values,
                                           std::span<const double> probabilities) {
  return in(state_).image.add_real_pmf(values, probabilities);
}
std::uint32_t ProfileBuilder::add_quantiles(std::span<const double> quantiles, double minimum,
                                            double maximum) {
  return in(state_).image.add_quantiles(quantiles, minimum, maximum);
}
std::uint32_t ProfileBuilder::add_bins(std::span<const std::uint32_t> values,
                                       std::span<const double> probabilities, double maximum) {
  return in(state_).image.add_bins(values, probabilities, maximum);
}

void ProfileBuilder::set_field(std::uint32_t epoch, std::uint32_t client, Field field,
                               std::uint32_t distribution) {
  State& state = in(state_);
  state.image.set_field(epoch, client, state.position(field), distribution);
}
void ProfileBuilder::set_correlation(std::uint32_t client, Field a, Field b, double spearman) {
  State& state = in(state_);
  state.image.set_correlation(client, state.position(a), state.position(b), spearman);
}

std::uint32_t ProfileBuilder::add_session_model(const SessionModel& model,
                                                std::span<const SessionStep> steps) {
  return in(state_).image.add_session_model(model, steps);
}
std::uint32_t ProfileBuilder::session_models() const { return in(state_).image.session_models(); }
void ProfileBuilder::set_waits(std::uint32_t model, std::uint32_t step, const SessionWaits& waits) {
  in(state_).image.set_waits(model, step, waits);
}
void ProfileBuilder::set_persistence(std::uint32_t model, Field field, double share, double memory) {
  State& state = in(state_);
  state.image.set_persistence({model, state.position(field), share, memory});
}
void ProfileBuilder::set_session(std::uint32_t client, std::uint32_t model) {
  in(state_).image.set_session(client, model);
}
std::uint32_t ProfileBuilder::add_prompt_model(const PromptModel& model,
                                               std::span<const PromptLevel> levels) {
  return in(state_).image.add_prompt_model(model, levels);
}
void ProfileBuilder::set_prompts(std::uint32_t client, std::uint32_t model) {
  in(state_).image.set_prompts(client, model);
}

std::uint32_t ProfileBuilder::add_copy(const Profile& profile, std::uint32_t client, std::string_view name,
                                       double rate_factor) {
  return in(state_).image.add_copy(profile, client, name, rate_factor);
}
void ProfileBuilder::copy_models(const Profile& profile) { in(state_).image.copy_models(profile); }

Profile ProfileBuilder::build() const { return Profile::from_image(in(state_).image.image(), "<built>"); }

}  // namespace tracetide
