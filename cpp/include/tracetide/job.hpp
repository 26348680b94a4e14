// A job: everything that determines a trace.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "tracetide/batch.hpp"
#include "tracetide/poll.hpp"
#include "tracetide/profile.hpp"

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

/// Version of the bytes of a trace: the same job gives the same bytes under the same version.
inline constexpr int trace_version = 2;

enum class Coupling : std::uint8_t {
  profile = 0,      ///< as the profile says; independent where it says nothing
  independent = 1,  ///< each field on its own
  comonotonic = 2,  ///< one uniform for all fields of a request, through their quantile functions
  copula = 3,       ///< Gaussian copulas: JobOptions::correlations for all clients, or the profile's own
};
[[nodiscard]] std::string_view name(Coupling coupling) noexcept;

enum class Missing : std::uint8_t {
  nearest = 0,  ///< a missing distribution is taken from the nearest epoch; clients without any are left out
  error = 1,    ///< both are refused
};

/// The Spearman correlation of two fields that are drawn once for a request.
struct FieldCorrelation {
  Field a = Field::input_tokens;
  Field b = Field::output_tokens;
  double spearman = 0;
};

/// A point of a piecewise-linear rate curve.
struct RatePoint {
  double time_s = 0;
  double rate = 0;
};

struct JobOptions {
  /// At most one of rate, rate_steps, rate_points, scale and max_rate; none: the native rates.
  std::optional<double> rate{};      ///< total requests/s
  std::vector<double> rate_steps{};  ///< total requests/s per window of the job; repeats
  /// Total requests/s over job time, linear between, constant outside; followed inside windows too, but by
  /// `servegen` counts.
  std::vector<RatePoint> rate_points{};
  std::optional<double> scale{};       ///< factor on the native rates
  std::optional<double> max_rate{};    ///< the native curve is lowered so that its peak is this
  std::optional<double> span_start{};  ///< s from the profile's start; default 0
  std::optional<double> span_end{};    ///< s; default the profile's period
  std::optional<double> duration{};    ///< s; default the length of the span
  std::uint64_t seed = 0;
  Counts counts = Counts::profile;
  double modulation = 1;  ///< factor on the rho of every client's RateNoise, 0 to 1; 0: constant in windows
  Coupling coupling = Coupling::profile;
  std::vector<FieldCorrelation> correlations{};  ///< for Coupling::copula, of every client
  Missing missing = Missing::nearest;
  /// Whether requests belong together as the profile's models of sessions say. Default: where it has any,
  /// unless the counts are `servegen`.
  std::optional<bool> conversations{};
  /// Whether prompts begin as the profile's models of prompts say. Default: where it has any.
  std::optional<bool> prefixes{};
  /// Tokens of a block of a prompt, for hash ids. Default: default_block_size where prompts have prefixes,
  /// else there are no hash ids.
  std::optional<std::uint32_t> block_size{};
  /// Bytes that stand for a token of an image, audio, video; 0: their bytes are not said. Multimodal only.
  std::array<double, 3> payload_bytes{};
};
inline constexpr std::uint32_t default_block_size = 512;

struct [[gnu::visibility("hidden")]] JobState;

/// A resolved, immutable job. Copies share their state; const members may be called concurrently.
class Job {
 public:
  /// @throws std::invalid_argument naming the option, the value and what is allowed; ProfileError
  ///         for what `Missing::error` refuses.
  explicit Job(Profile profile, JobOptions options = {}, const Poll& poll = {});
  /// Moving copies, so that no job is left without its state.
  Job(const Job&) = default;
  Job& operator=(const Job&) = default;

  [[nodiscard]] const Profile& profile() const noexcept;
  [[nodiscard]] const JobOptions& options() const noexcept;
  [[nodiscard]] Counts counts() const noexcept;       ///< resolved, never Counts::profile
  [[nodiscard]] Coupling coupling() const noexcept;   ///< resolved, never Coupling::profile
  [[nodiscard]] bool conversations() const noexcept;  ///< resolved
  [[nodiscard]] OptionalColumns optional_columns() const noexcept;
  /// Tokens of a block of a prompt; 0 where the job has no hash ids.
  [[nodiscard]] std::uint32_t block_size() const noexcept;
  /// Hash ids below the last of these are of system prompts: by level, where those of the next begin.
  [[nodiscard]] const std::vector<std::uint64_t>& prompt_blocks() const noexcept;
  [[nodiscard]] std::int64_t duration_ns() const noexcept;
  [[nodiscard]] std::uint64_t windows() const noexcept;
  /// Starts of the windows, ns from the job's start, and the job's end: windows() + 1 entries.
  [[nodiscard]] std::vector<std::int64_t> window_starts_ns() const;
  /// Expected number of requests.
  [[nodiscard]] double expected() const noexcept;
  /// The exact number of requests where it is known without sampling (pinned, servegen; no conversations).
  [[nodiscard]] std::optional<std::uint64_t> count(const Poll& poll = {}) const;
  /// The same of every window; to split a job by requests, and to number those of a shard.
  [[nodiscard]] std::vector<double> window_expected(const Poll& poll = {}) const;
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> window_counts(const Poll& poll = {}) const;
  /// Clients that send in the profile, but are left out because it has no distributions for them.
  [[nodiscard]] const std::vector<std::uint32_t>& left_out() const noexcept;
  /// Their share of the native requests of the job.
  [[nodiscard]] double left_out_share() const noexcept;
  /// Windows to which a positive rate was given but in which no client is active.
  [[nodiscard]] std::uint64_t empty_windows() const noexcept;

 private:
  friend struct Access;
  std::shared_ptr<const JobState> state_;
};

}  // namespace tracetide
#pragma GCC visibility pop
