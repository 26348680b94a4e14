// A profile: an immutable set of clients on a common grid. It is data; it knows no engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tracetide/poll.hpp"

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

enum class Category : std::uint8_t { language = 0, reason = 1, multimodal = 2 };
enum class Family : std::uint8_t { exponential = 0, gamma = 1, weibull = 2, table = 3 };

/// How many requests a client sends in a window.
enum class Counts : std::uint8_t { profile = 0, pinned = 1, renewal = 2, servegen = 3 };

enum class Field : std::uint8_t {
  input_tokens = 0,
  output_tokens = 1,
  reason_ratio = 2,
  text_tokens = 3,
  image_count = 4,
  image_tokens = 5,
  audio_count = 6,
  audio_tokens = 7,
  video_count = 8,
  video_tokens = 9,
};
inline constexpr std::size_t field_count = 10;
[[nodiscard]] std::string_view name(Field field) noexcept;
[[nodiscard]] std::string_view name(Category category) noexcept;
[[nodiscard]] std::string_view name(Family family) noexcept;
[[nodiscard]] std::string_view name(Counts counts) noexcept;

/// The fields a client of this category draws, in the order in which they are stored and drawn.
[[nodiscard]] std::span<const Field> fields_of(Category category) noexcept;

/// The active clients of one window, in ascending client order. All spans have one length.
struct WindowCells {
  std::span<const std::uint32_t> client;
  std::span<const double> rate;  ///< requests/s, finite, > 0
  /// Of the gap family, in [min_shape, max_shape]; 1 for exponential; of a table its number.
  std::span<const double> shape;
  std::span<const double> cv;  ///< coefficient of variation of the gaps as recorded, or NaN
  std::span<const Family> family;
};
inline constexpr double min_shape = 0.005;
inline constexpr double max_shape = 1e5;

/// A gap law as a histogram: bin i has gaps from 2^((first_bin + i)/16) to 2^((first_bin + i + 1)/16), in any
/// unit, with probabilities as in a Distribution; the logarithms in a bin are all equally likely. The rate
/// decides the mean.
struct GapTable {
  std::int32_t first_bin = 0;  ///< at least -max_gap_octaves * gap_bins_per_octave
  std::span<const double> probabilities{};
};
inline constexpr int gap_bins_per_octave = 16;
/// Gaps of a table are from 2^-64 to 2^64.
inline constexpr int max_gap_octaves = 64;
/// The largest gap of a table is at most 2^40 times the mean.
inline constexpr double max_gap_to_mean = 0x1p40;

/// How the rate of a client moves inside a window: a cascade that halves the window `levels` times; at each
/// halving the two parts get 1 + s and 1 - s of what their whole has, s with variance `rho`
/// (docs/arrivals.md).
struct RateNoise {
  double rho = 0;  ///< in [0, max_rate_noise]
  std::uint32_t levels = 0;
  std::uint32_t reserved = 0;
};
inline constexpr double max_rate_noise = 0.9;
inline constexpr std::uint32_t max_noise_levels = 10;

/// Most items of one kind in a request; their random words are numbered in 18 bits.
inline constexpr double max_items = 262144;

/// What a distribution is made of.
enum class DistributionKind : std::uint32_t {
  integer_pmf = 0,  ///< integer_values ascending and unique, probabilities
  real_pmf = 1,     ///< real_values ascending and unique, probabilities
  quantiles = 2,    ///< real_values: a quantile function given at k/(n-1), linear in between; n >= 2
  /// Bin i holds the whole numbers from integer_values[i] to before integer_values[i + 1], the last one to
  /// `maximum`; probabilities are those of the bins, within which all numbers are equally likely.
  bins = 3,
};

/// A read-only view of one distribution. Probabilities are as in the source (they need not sum to
/// exactly 1; samplers normalise); they are finite, >= 0, with a positive sum. Draws of token and count
/// fields are rounded half up and lie in [minimum, maximum].
struct Distribution {
  DistributionKind kind = DistributionKind::integer_pmf;
  std::span<const std::uint32_t> integer_values;
  std::span<const double> real_values;
  std::span<const double> probabilities;
  double minimum = 0;
  double maximum = 4294967295.0;
};

/// How two fields of a client depend on each other: as a Gaussian copula with this Spearman correlation
/// (that of the ranks before they are rounded to values, so ties of the values lower it).
struct Correlation {
  std::uint32_t client = 0;
  std::uint8_t field_a = 0;  ///< position in fields_of(category), below field_b
  std::uint8_t field_b = 0;
  std::uint16_t reserved = 0;
  double spearman = 0;  ///< above -1 and below 1
};
/// Whether a field is drawn once for a request, so that it can be correlated; tokens of items are not.
[[nodiscard]] bool is_drawn_once(Field field) noexcept;

/// What can come between two turns of a session: the user thinks, or one or more calls of a tool, side by
/// side, or sub-agents. Distributions are ids in the profile, of whole numbers.
struct SessionStep {
  double weight = 1;               ///< how often, in relation to the other steps of the model
  double failure = 0;              ///< probability that a try of a call fails, below 1
  std::uint32_t wait = 0;          ///< of one try of a call, ms
  std::uint32_t tokens = missing;  ///< what it adds to the context; missing: as the client's own input
  std::uint32_t calls = missing;   ///< how many side by side, of which the longest decides; missing: 1
  std::uint32_t child = missing;   ///< the model of the session of a sub-agent, whose answer comes back
  std::uint32_t failure_tokens = missing;  ///< what a call adds whose tries all fail; missing: nothing
  std::uint32_t retries = 0;               ///< tries after the first
  static constexpr std::uint32_t missing = 0xFFFFFFFFu;
};

/// How requests of a client belong together: conversations, or runs of an agent.
struct SessionModel {
  double share = 0;       ///< of the client's requests that belong to sessions, sub-agents' included
  double overhead_s = 0;  ///< to serve a turn: overhead_s + input_s * input + output_s * output
  double input_s = 0;     ///< s a token
  double output_s = 0;
  std::uint32_t turns = 0;                            ///< distribution of the number of turns
  std::uint32_t first_tokens = SessionStep::missing;  ///< of the first turn; missing: the client's own
  std::uint32_t first_step = 0;                       ///< into Profile::session_steps()
  std::uint32_t steps = 0;                            ///< how many, at least 1
  std::uint32_t context_limit = 0;                    ///< most input tokens of a turn; 0: none
  std::uint8_t restarts = 0;          ///< beyond the limit: 0 the oldest is cut off, 1 a new session begins
  std::uint8_t waits_from_start = 0;  ///< waits count from 0: the end, 1: the start of the turn before
  std::uint8_t keeps_reasoning = 0;   ///< reasoning tokens are 0: dropped from, 1: kept in the context
  std::uint8_t forgets = 0;           ///< whether a turn begins anew, without the turns before
};
/// How a wait of a step grows with lengths: what is drawn is multiplied by
/// 1 + output * (output tokens of the turn before) + tokens * (tokens that the turn adds to the context).
/// Of steps that are one call, which is no sub-agent's and does not fail.
struct SessionWaits {
  double output = 0;  ///< a token, 0 to max_wait_growth
  double tokens = 0;
  [[nodiscard]] bool any() const noexcept { return output > 0 || tokens > 0; }
};
inline constexpr double max_wait_growth = 1e6;
/// How a field lasts along the turns of a session: the normal variate whose rank it has is
/// sqrt(share) h + sqrt(1 - share) e, with e new in every turn, and h as in the turn before but for what
/// `memory` leaves to chance; the autocorrelation of the variates at distance k is share * memory^k.
struct SessionPersistence {
  std::uint32_t model = 0;
  std::uint32_t field = 0;  ///< position in fields_of(category); of those drawn once for a request
  double share = 0;         ///< 0 to below 1, as the following
  double memory = 0;
};
/// Most turns of a session and calls of a step, and most tries of a call.
inline constexpr double max_turns = 4096;
inline constexpr double max_calls = 64;
inline constexpr std::uint32_t max_retries = 15;
/// Most requests of a session with all its sub-agents.
inline constexpr double max_session_requests = 1 << 20;
/// Requests of a session that come later than this after its first are left out.
inline constexpr std::int64_t session_horizon_ns = std::int64_t{6} * 3600 * 1'000'000'000;

/// System prompts or templates of a client: what many of its prompts begin with. Each of a further level
/// belongs to one of the level before and follows on it.
struct PromptLevel {
  double exponent = 0;        ///< popularity: the k-th of them is used in proportion to k^-exponent
  std::uint32_t prompts = 1;  ///< how many, under each of the level before
  std::uint32_t tokens = 0;   ///< distribution of their lengths
};
struct PromptModel {
  double share = 0;  ///< of the requests that stand alone, and of the sessions, that begin with one
  std::uint32_t first_level = 0;  ///< into Profile::prompt_levels()
  std::uint32_t levels = 0;       ///< 1 to max_prompt_levels
};
inline constexpr std::uint32_t max_prompt_levels = 3;
/// Most system prompts of all clients together.
inline constexpr double max_prompts = 1 << 24;

/// Mean, extremes and quantiles of a distribution, as a field that draws from it has them.
struct DistributionStatistics {
  double mean = 0;
  double minimum = 0;
  double maximum = 0;
  /// For each probability asked for: the smallest value v with P(X <= v) >= p; of quantile functions, the
  /// interpolated value.
  std::vector<double> quantiles{};
};
[[nodiscard]] DistributionStatistics statistics(const Distribution& distribution,
                                                std::span<const double> probabilities);

/// A profile is one `.tide` image (docs/design/tide-format.md), mapped from a file or held in memory. Copies
/// share it. All const members may be called concurrently.
class Profile {
 public:
  static constexpr std::uint32_t missing = 0xFFFFFFFFu;

  /// Moving copies, so that no profile is left without its image.
  Profile(const Profile&) = default;
  Profile& operator=(const Profile&) = default;

  /// Maps a `.tide` file and checks all of it.
  /// @throws ProfileError if it is not a sound profile; std::system_error if it cannot be read.
  [[nodiscard]] static Profile open(const std::filesystem::path& path);
  /// A profile from the bytes of a `.tide` image, which are copied. @throws ProfileError
  [[nodiscard]] static Profile from_image(std::span<const std::byte> image,
                                          const std::string& origin = "<memory>");
  /// The same without the copy.
  [[nodiscard]] static Profile from_image(std::vector<std::byte>&& image,
                                          const std::string& origin = "<memory>");

  /// The whole image. Valid as long as any copy of this profile lives.
  [[nodiscard]] std::span<const std::byte> image() const noexcept;
  /// Writes the image so that `path` appears only when complete. @throws std::system_error
  void write(const std::filesystem::path& path) const;

  [[nodiscard]] Category category() const noexcept;
  /// What `Counts::profile` means for it; never `Counts::profile` itself.
  [[nodiscard]] Counts default_counts() const noexcept;
  /// Provenance as JSON text: name, source, licence, how it was made.
  [[nodiscard]] std::string_view metadata() const noexcept;

  [[nodiscard]] std::uint32_t clients() const noexcept;
  [[nodiscard]] std::string_view client_name(std::uint32_t client) const noexcept;

  [[nodiscard]] std::int64_t window_ns() const noexcept;  ///< length of a window, > 0
  [[nodiscard]] std::uint32_t windows() const noexcept;   ///< windows in a period, > 0
  [[nodiscard]] std::int64_t epoch_ns() const noexcept;   ///< length of an epoch, a multiple of window_ns
  [[nodiscard]] std::uint32_t epochs() const noexcept;  ///< epochs, > 0; they repeat when time runs past them
  [[nodiscard]] std::int64_t period_ns() const noexcept { return window_ns() * windows(); }
  /// The epoch in which a window lies.
  [[nodiscard]] std::uint32_t epoch_of(std::uint32_t window) const noexcept;

  /// The active clients of `window` (< windows()).
  [[nodiscard]] WindowCells cells(std::uint32_t window) const noexcept;

  [[nodiscard]] std::uint32_t distributions() const noexcept;
  [[nodiscard]] Distribution distribution(std::uint32_t id) const noexcept;
  /// The id of the distribution recorded for a field of a client in an epoch, or `missing`.
  /// `field` is a position in fields_of(category()).
  [[nodiscard]] std::uint32_t recorded(std::uint32_t epoch, std::uint32_t client,
                                       std::uint32_t field) const noexcept;
  /// As `recorded`, but a missing one is replaced by the nearest earlier, else the nearest later epoch
  /// in which all fields of the client are recorded; `missing` only for a client that has none at all.
  [[nodiscard]] std::uint32_t resolved(std::uint32_t epoch, std::uint32_t client,
                                       std::uint32_t field) const noexcept;
  [[nodiscard]] std::uint32_t gap_tables() const noexcept;
  /// A gap table (< gap_tables()).
  [[nodiscard]] GapTable gap_table(std::uint32_t number) const noexcept;
  /// What moves the client's rate inside windows; `levels` 0 for nothing.
  [[nodiscard]] RateNoise rate_noise(std::uint32_t client) const noexcept;
  /// All correlations, in order of clients and fields.
  [[nodiscard]] std::span<const Correlation> correlations() const noexcept;
  /// Models of sessions; those of sub-agents come after those that call them.
  [[nodiscard]] std::span<const SessionModel> session_models() const noexcept;
  [[nodiscard]] std::span<const SessionStep> session_steps() const noexcept;
  /// One for each of session_steps(), or none at all.
  [[nodiscard]] std::span<const SessionWaits> session_waits() const noexcept;
  /// In order of models and fields.
  [[nodiscard]] std::span<const SessionPersistence> session_persistence() const noexcept;
  /// The number of a client's model, or `missing`.
  [[nodiscard]] std::uint32_t session_model(std::uint32_t client) const noexcept;
  [[nodiscard]] std::span<const PromptModel> prompt_models() const noexcept;
  [[nodiscard]] std::span<const PromptLevel> prompt_levels() const noexcept;
  /// The number of a client's model of prompts, or `missing`.
  [[nodiscard]] std::uint32_t prompt_model(std::uint32_t client) const noexcept;
  /// The same profile without models of sessions, or of prompts.
  [[nodiscard]] Profile without_sessions() const;
  [[nodiscard]] Profile without_prompts() const;
  /// The same profile with gaps of one law in every cell, and rates that are constant inside windows; the
  /// rates of the windows stay. @throws std::invalid_argument for a shape beyond min_shape and max_shape
  [[nodiscard]] Profile with_gaps(Family family, double shape, double cv) const;
  /// The same profile with only those cells, counted through all windows, for which `keep` is not 0.
  /// @throws std::invalid_argument unless `keep` has an entry for every cell
  [[nodiscard]] Profile with_cells(std::span<const std::uint8_t> keep) const;
  /// Whether the client has distributions at all.
  [[nodiscard]] bool has_fields(std::uint32_t client) const noexcept;

 private:
  struct Image;
  explicit Profile(std::shared_ptr<const Image> image) : image_(std::move(image)) {}
  std::shared_ptr<const Image> image_;
};

/// Reads a ServeGen model folder (`chunk-<i>-trace.csv`, `chunk-<i>-dataset.json`) with `threads`
/// threads (0: all cores). Client i of the profile is chunk i of the folder (by ascending number).
/// @throws ProfileError naming file, line or field; std::system_error
[[nodiscard]] Profile read_servegen(const std::filesystem::path& folder, unsigned threads = 0,
                                    const Poll& poll = {});

}  // namespace tracetide
#pragma GCC visibility pop
