// Laws to draw from, each useful on its own: tables of probabilities, parametric laws, mixtures.
//
// Which random words decide. A sample is a pure function of the law, a 64-bit seed and a 32-bit stream
// number. Its words come from the Philox streams (random.hpp) with client = stream, window = node and
// purpose = Purpose::sampler, sampler_accept or sampler_boost, where node is 0 for the law itself; a
// mixture's components, and theirs in turn, are numbered from 1 on in depth-first order. Candidates come in
// blocks of 256, any of which can be made alone:
// - A table takes one 32-bit word a value: word i of Purpose::sampler decides value i.
// - A continuous law takes one 64-bit value a candidate, in groups of 16 as laid out by
//   random/philox_lanes.hpp; its high 52 bits are a uniform U = (k + 1/2) / 2^52, never 0 or 1.
// - Gamma and Zipf reject some candidates and keep the others in order; the others keep all.
// So the first k values of a sample of n are the sample of k, and no value depends on the instruction set,
// the machine or the number of values asked for. A change of them is a change of `trace_version`.
//
// All constructors throw std::invalid_argument, naming the parameter, its value and what is allowed. Real
// parameters must be finite, scales positive and not subnormal. Laws are immutable; copies share their
// tables; all members may be called concurrently. mean and quantile use the C library and are, unlike samples
// and cdf, only equal to within rounding between machines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tracetide/kernel_level.hpp"
#include "tracetide/poll.hpp"

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

/// What a law's values are kept in.
enum class ValueType : std::uint8_t { float64, uint32, int64 };

struct SampleOptions {
  std::uint64_t seed = 0;
  std::uint32_t stream = 0;  ///< samples of different streams are independent
  KernelLevel kernels = KernelLevel::best;
  Poll poll{};
};

struct Access;

namespace laws {

class LawModel;

/// Any law. Copying or slicing one is cheap: what it draws with is shared.
class Law {
 public:
  /// Moving copies, so that no law is left without what it draws with.
  Law(const Law&) = default;
  Law& operator=(const Law&) = default;

  [[nodiscard]] ValueType value_type() const noexcept;
  /// The expectation; infinity where it does not exist or is too large for a double.
  [[nodiscard]] double mean() const;
  /// P(X <= x), the same bits on every machine. NaN for NaN.
  [[nodiscard]] double cdf(double x) const noexcept;

  /// Fills `out`. Memory: a few KB, whatever the length.
  /// @throws std::invalid_argument unless the elements are of value_type().
  void sample(std::span<double> out, const SampleOptions& options = {}) const;
  void sample(std::span<std::uint32_t> out, const SampleOptions& options = {}) const;
  void sample(std::span<std::int64_t> out, const SampleOptions& options = {}) const;

 protected:
  explicit Law(std::shared_ptr<const LawModel> model) noexcept : model_(std::move(model)) {}

 private:
  friend struct tracetide::Access;
  template <class T>
  void fill(std::span<T> out, ValueType type, const SampleOptions& options) const;

  std::shared_ptr<const LawModel> model_;
};

/// Density e^(-x/mean) / mean, x > 0. Inverse transform, -mean ln U: at most 36.8 means.
class Exponential : public Law {
 public:
  explicit Exponential(double mean = 1);
  [[nodiscard]] double quantile(double p) const;  ///< @throws std::invalid_argument unless 0 <= p <= 1

 private:
  double mean_;
};

/// Density x^(shape-1) e^(-x/scale) / (Gamma(shape) scale^shape), x > 0; 0.005 <= shape <= 1e5.
/// Marsaglia & Tsang, "A simple method for generating Gamma variables" (2000), normals by Box & Muller;
/// keeps more than 95 % of the candidates. Below shape 1, Gamma(shape + 1) U^(1/shape): values below
/// about 1e-307 scale are given as 0.
class Gamma : public Law {
 public:
  explicit Gamma(double shape, double scale = 1);
};

/// P(X > x) = exp(-(x/scale)^shape), x > 0; 0.005 <= shape <= 1e5. Inverse transform in logarithms,
/// exp(ln scale + ln(-ln U)/shape): 0 below 1e-307, at most 8.2e307.
class Weibull : public Law {
 public:
  explicit Weibull(double shape, double scale = 1);
  /// The scale that gives this mean.
  [[nodiscard]] static Weibull with_mean(double shape, double mean);
  [[nodiscard]] double scale() const noexcept { return scale_; }
  [[nodiscard]] double quantile(double p) const;

 private:
  double shape_;
  double scale_;
};

/// P(X > x) = (minimum/x)^alpha, x >= minimum (type I; numpy.random's pareto is type II, X/minimum - 1).
/// Inverse transform, minimum U^(-1/alpha), at most the largest double.
class Pareto : public Law {
 public:
  explicit Pareto(double alpha, double minimum = 1);
  [[nodiscard]] double quantile(double p) const;

 private:
  double alpha_;
  double minimum_;
};

/// ln X is normal with mean mu and standard deviation sigma >= 0. exp(mu + sigma N) with N by Box &
/// Muller (1958), so |N| < 8.6; 0 below 1e-307, at most 8.2e307.
class LogNormal : public Law {
 public:
  LogNormal(double mu, double sigma);
  [[nodiscard]] static LogNormal with_mean(double mean, double sigma);      ///< mu = ln mean - sigma^2 / 2
  [[nodiscard]] static LogNormal with_median(double median, double sigma);  ///< mu = ln median
  /// sigma = sqrt(2 ln(mean / median)); mean >= median.
  [[nodiscard]] static LogNormal with_mean_and_median(double mean, double median);
  [[nodiscard]] double mu() const noexcept { return mu_; }
  [[nodiscard]] double sigma() const noexcept { return sigma_; }

 private:
  double mu_;
  double sigma_;
};

/// Density 1/(high - low) between low < high: low + (high - low) U, which only rounding can make an end.
class Uniform : public Law {
 public:
  Uniform(double low, double high);
  [[nodiscard]] double quantile(double p) const;

 private:
  double low_;
  double high_;
};

/// Always the same value. Takes no random words.
class Constant : public Law {
 public:
  explicit Constant(double value);
  [[nodiscard]] double quantile(double p) const;

 private:
  double value_;
};

/// P(X = k) in proportion to k^-exponent for k = 1, ..., maximum; int64. With a maximum (1 to 2^53) the
/// exponent is any number >= 0; without, it is above 1, and the law is cut at 2^63 - 1 as numpy.random's is.
/// Rejection-inversion, algorithm ZRI of Hörmann & Derflinger (ACM TOMACS 6, 1996) with v = 1; keeps more
/// than 95 % of the candidates. One uniform of 52 bits decides a candidate, so that far out (for exponent
/// 1.5 from about 1e9 on) not every whole number can occur, and above 2^53 only multiples of powers of two.
class Zipf : public Law {
 public:
  explicit Zipf(double exponent, std::optional<std::int64_t> maximum = std::nullopt);
};

/// A probability mass function. Values need not be in order, but must differ. Probabilities are >= 0, with
/// a sum from 1e-9 to 1e9; they are normalised, unless the sum is 1 to within 1e-9 (draws always are).
class Pmf : public Law {
 public:
  /// Ascending.
  [[nodiscard]] std::span<const double> values() const noexcept;
  /// Normalised, in the order of values().
  [[nodiscard]] std::span<const double> probabilities() const noexcept;
  /// The smallest value x with cdf(x) >= p and a probability above 0.
  [[nodiscard]] double quantile(double p) const;

  struct Table;

 protected:
  Pmf(std::shared_ptr<const LawModel> model, std::shared_ptr<const Table> table) noexcept;

 private:
  std::shared_ptr<const Table> table_;
};

/// Draws from a PMF in constant time: an alias table (Walker 1977, construction of Vose 1991). Word w
/// picks cell floor(w n / 2^32) of n, and the 32 bits below the point decide between its two values.
/// Every probability is met to within 2^-32 (absolute); one of 0 exactly. Whole values give uint32, others
/// float64. Memory: 8 bytes a value, 16 where values span more than 2^16.
class AliasTable : public Pmf {
 public:
  AliasTable(std::span<const std::uint32_t> values, std::span<const double> probabilities);
  AliasTable(std::span<const double> values, std::span<const double> probabilities);

 private:
  explicit AliasTable(std::shared_ptr<const Table> table, ValueType type);
};

/// Draws from a PMF by the inverse of its distribution function, with a guide table (Chen & Asau, 1974):
/// word w gives the smallest value whose cumulated probability exceeds w / 2^32. Two tables sampled with
/// the same seed and stream are hence comonotonic (as dependent as can be); otherwise as AliasTable, which
/// is faster.
class QuantileTable : public Pmf {
 public:
  QuantileTable(std::span<const std::uint32_t> values, std::span<const double> probabilities);
  QuantileTable(std::span<const double> values, std::span<const double> probabilities);

 private:
  explicit QuantileTable(std::shared_ptr<const Table> table, ValueType type);
};

/// Each value from one of several laws, chosen by weight (>= 0; normalised; met to within 2^-32). An alias
/// table over the components decides; the component then gives its next value: all are drawn in order and
/// none is left out. The value type is that of the components if they share one, else float64.
class Mixture : public Law {
 public:
  explicit Mixture(const std::vector<std::pair<double, Law>>& components);
};

/// A law as whole numbers in bins: bin i holds first[i] to first[i + 1] - 1, the last one ends at `maximum`,
/// and the numbers of a bin are equally likely.
struct Bins {
  std::vector<std::uint32_t> first;  ///< ascending
  std::vector<double> probability;   ///< of each bin; they sum to 1 to within rounding
  std::uint32_t maximum = 0;
};

/// The law rounded half up and clamped to [minimum, maximum]. Bins hold one number each up to 2,047 above
/// the minimum; then their width is between 1/2048 and 1/1024 of the distance from it, so the distribution
/// function is exact at every end of a bin. At most 24 thousand bins. The same bits on every machine.
/// @throws std::invalid_argument unless minimum <= maximum
[[nodiscard]] Bins make_bins(const Law& law, std::uint32_t minimum, std::uint32_t maximum);

/// The quantile function at k / (count - 1) for k = 0, ..., count - 1, clamped to [minimum, maximum], by
/// bisection of the distribution function. The same bits on every machine.
/// @throws std::invalid_argument unless count >= 2 and minimum < maximum, both finite
[[nodiscard]] std::vector<double> make_quantiles(const Law& law, std::size_t count, double minimum,
                                                 double maximum);

}  // namespace laws
}  // namespace tracetide
#pragma GCC visibility pop
