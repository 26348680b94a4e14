// Laws: the same bits at every level, samples made of blocks, words from the stated streams.
#include "tracetide/distributions.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <stdexcept>
#include <vector>

#include "base/access.hpp"
#include "distributions/law_model.hpp"
#include "kernels/kernels.hpp"
#include "math/elementary.hpp"

namespace tracetide::laws {
namespace {

std::vector<std::uint32_t> some_values(std::uint32_t n, std::uint32_t stride) {
  std::vector<std::uint32_t> values(n);
  for (std::uint32_t i = 0; i < n; ++i) values[i] = 3 + stride * i;
  return values;
}

std::vector<double> some_weights(std::uint32_t n) {
  std::vector<double> weights(n);
  for (std::uint32_t i = 0; i < n; ++i) weights[i] = 1.0 / (1 + i % 17);
  return weights;
}

// The values as bytes, whatever their type.
std::vector<std::byte> sample(const Law& law, std::size_t n, const SampleOptions& options) {
  std::vector<std::byte> bytes(n * size_of(law.value_type()));
  const auto fill = [&]<class T>(T) {
    std::vector<T> values(n);
    law.sample(std::span(values), options);
    if (n > 0) std::memcpy(bytes.data(), values.data(), bytes.size());
  };
  switch (law.value_type()) {
    case ValueType::float64:
      fill(double{});
      break;
    case ValueType::uint32:
      fill(std::uint32_t{});
      break;
    case ValueType::int64:
      fill(std::int64_t{});
      break;
  }
  return bytes;
}

std::vector<double> reals(const Law& law, std::size_t n, const SampleOptions& options = {}) {
  std::vector<double> values(n);
  law.sample(values, options);
  return values;
}

std::vector<Law> all_laws() {
  const std::vector<double> real_values{-1.5, 0.25, 1e9};
  const std::vector<double> real_weights{1, 2, 3};
  const AliasTable narrow(some_values(300, 1), some_weights(300));
  const AliasTable wide(some_values(300, 100000), some_weights(300));
  const Mixture nested({{1, Zipf(1.2)}, {2, narrow}});
  return {Exponential(300),
          Gamma(0.005),
          Gamma(0.05, 1e200),
          Gamma(0.5),
          Gamma(2, 3),
          Gamma(1e5),
          Weibull(0.005),
          Weibull(0.7, 1e-300),
          Weibull(1e5),
          Pareto(0.01, 5),
          Pareto(1.5),
          LogNormal(1, 0.5),
          LogNormal(-700, 40),
          LogNormal(700, 40),
          Uniform(-1, 3),
          Constant(7),
          Zipf(1.0001),
          Zipf(1.00005),
          Zipf(1.5),
          Zipf(8),
          Zipf(0, 1000),
          Zipf(1, 1),
          Zipf(1, std::int64_t{1} << 53),
          Zipf(0.7, 100),
          narrow,
          wide,
          AliasTable(real_values, real_weights),
          QuantileTable(some_values(300, 7), some_weights(300)),
          QuantileTable(real_values, real_weights),
          Mixture({{1, narrow}, {1, wide}}),
          Mixture({{0.5, Exponential()}, {0.2, nested}, {0.3, narrow}, {0, Constant(1)}})};
}

TEST(Laws, GiveTheSameBitsAtEveryLevel) {
  std::size_t number = 0;
  for (const Law& law : all_laws()) {
    const auto expected = sample(law, 10000, {5, 6, KernelLevel::baseline});
    for (const Kernels* kernels : available_kernels())
      ASSERT_EQ(sample(law, 10000, {5, 6, kernels->level}), expected)
          << "law " << number << " at " << name(kernels->level);
    ++number;
  }
}

TEST(Laws, AShorterSampleIsTheStartOfALongerOne) {
  std::size_t number = 0;
  for (const Law& law : all_laws()) {
    const auto whole = sample(law, 10000, {1, 2});
    for (const std::size_t n : {0u, 1u, 255u, 256u, 257u, 4095u, 4097u, 9999u}) {
      auto start = whole;
      start.resize(n * size_of(law.value_type()));
      ASSERT_EQ(sample(law, n, {1, 2}), start) << "law " << number << ", " << n << " values";
    }
    ++number;
  }
}

TEST(Laws, SeedAndStreamDecide) {
  std::size_t number = 0;
  for (const Law& law : all_laws()) {
    const auto first = sample(law, 1000, {1, 2});
    ASSERT_EQ(sample(law, 1000, {1, 2}), first) << number;
    const bool fixed = number == 15 || number == 21;  // a constant, and Zipf with one value
    ASSERT_EQ(sample(law, 1000, {1, 3}) == first, fixed) << number;
    ASSERT_EQ(sample(law, 1000, {2, 2}) == first, fixed) << number;
    ++number;
  }
}

// Blocks made alone, out of order, are the sample.
TEST(Laws, BlocksCanBeMadeAlone) {
  const Gamma gamma(0.5, 3);
  const Zipf zipf(1.3);
  const auto check = [](const Law& law) {
    const auto& model = dynamic_cast<const BlockLaw&>(Access::model(law));
    const Origin origin{kernels_for(), 9, 4, 0};
    std::vector<std::byte> whole = sample(law, 2000, {9, 4});
    std::vector<std::byte> parts;
    for (std::uint64_t number = 0; parts.size() < whole.size(); ++number) {
      std::byte later[BlockLaw::block_size * 8];
      std::byte block[BlockLaw::block_size * 8];
      (void)model.block(origin, number + 3, later);
      const std::uint32_t kept = model.block(origin, number, block);
      ASSERT_GT(kept, BlockLaw::block_size * 9 / 10);
      parts.insert(parts.end(), block, block + kept * 8);
    }
    parts.resize(whole.size());
    EXPECT_EQ(parts, whole);
  };
  check(gamma);
  check(zipf);
}

// Value v of a group of 16 is made of words 0 and 1 of block v, or, from 8 on, words 2 and 3 of block v - 8.
double uniform_of(const StreamKey& stream, std::uint64_t value) {
  const std::uint64_t group = value / 16, at = value % 16;
  const auto block = philox4x32_10(stream.counter(group * 8 + at % 8), stream.key());
  const std::size_t low = at < 8 ? 0 : 2;
  return portable::open_unit(block[low] | static_cast<std::uint64_t>(block[low + 1]) << 32);
}

TEST(Laws, TakeTheStatedWords) {
  const StreamKey stream{11, 12, 0, 96};
  const auto uniform = reals(Uniform(0, 1), 600, {11, 12});
  const auto exponential = reals(Exponential(2), 600, {11, 12});
  std::vector<std::uint32_t> table(600);
  QuantileTable(some_values(256, 1), std::vector<double>(256, 1.0)).sample(table, {11, 12});
  for (std::size_t i = 0; i < 600; ++i) {
    const double u = uniform_of(stream, i);
    ASSERT_EQ(uniform[i], u) << i;
    ASSERT_EQ(exponential[i], -portable::log(u) * 2.0) << i;
    ASSERT_EQ(table[i], 3 + (stream_word(stream, i) >> 24)) << i;
  }
}

// Node 0 chooses, nodes 1, 2, 3, ... are the components in depth-first order.
TEST(Mixture, ComponentsDrawInOrderFromTheirOwnNodes) {
  const Mixture inner({{1, Uniform(2, 3)}, {1, Uniform(4, 5)}});
  const Mixture law({{1, Uniform(0, 1)}, {2, inner}, {1, Uniform(6, 7)}});
  std::uint64_t drawn[8] = {};
  const std::uint32_t nodes[8] = {1, 0, 3, 0, 4, 0, 5, 0};
  for (const double value : reals(law, 20000, {1, 2})) {
    const auto low = static_cast<std::size_t>(value);
    ASSERT_NE(nodes[low], 0u);
    ASSERT_EQ(value, static_cast<double>(low) + uniform_of({1, 2, nodes[low], 96}, drawn[low]++));
  }
  EXPECT_NEAR(static_cast<double>(drawn[0]), 5000, 400);
  EXPECT_NEAR(static_cast<double>(drawn[2]), 5000, 400);
}

TEST(Mixture, KeepsASharedTypeAndElseIsReal) {
  const AliasTable table(some_values(3, 1), some_weights(3));
  EXPECT_EQ(Mixture({{1, table}, {1, table}}).value_type(), ValueType::uint32);
  EXPECT_EQ(Mixture({{1, Zipf(2)}, {1, Zipf(3)}}).value_type(), ValueType::int64);
  EXPECT_EQ(Mixture({{1, table}, {1, Zipf(3)}}).value_type(), ValueType::float64);
  EXPECT_DOUBLE_EQ(Mixture({{1, Constant(4)}, {3, Constant(8)}}).mean(), 7);
}

TEST(Laws, ValuesAreFinite) {
  for (const Law& law : all_laws()) {
    if (law.value_type() != ValueType::float64) continue;
    for (const double value : reals(law, 100000)) ASSERT_TRUE(std::isfinite(value));
  }
}

// Kernel sets are right for k = 1 by hand: P(X = 1) of Zipf(2) is 6 / pi^2, of Zipf(1, 2) 2/3.
TEST(Zipf, DistributionFunctionByHand) {
  EXPECT_NEAR(Zipf(2).cdf(1.5), 0.6079271018540267, 1e-13);
  EXPECT_NEAR(Zipf(1, 2).cdf(1), 2.0 / 3, 1e-15);
  EXPECT_NEAR(Zipf(1, 1000000).cdf(1), 1 / 14.392726722865724, 1e-14);
  EXPECT_EQ(Zipf(2).cdf(0.5), 0);
  EXPECT_NEAR(Zipf(3).mean(), 1.6449340668482264 / 1.2020569031595942, 1e-12);
  EXPECT_NEAR(Zipf(0, 99).mean(), 50, 1e-10);
  EXPECT_TRUE(std::isinf(Zipf(2).mean()));
}

TEST(Laws, QuantilesInvertDistributionFunctions) {
  for (const double p : {0.0, 1e-12, 0.3, 0.999}) {
    EXPECT_NEAR(Exponential(3).cdf(Exponential(3).quantile(p)), p, 1e-15);
    EXPECT_NEAR(Weibull(0.4, 7).cdf(Weibull(0.4, 7).quantile(p)), p, 1e-15);
    EXPECT_NEAR(Pareto(1.1, 7).cdf(Pareto(1.1, 7).quantile(p)), p, 1e-15);
    EXPECT_NEAR(Uniform(-2, 7).cdf(Uniform(-2, 7).quantile(p)), p, 1e-15);
  }
  EXPECT_NEAR(LogNormal(1, 2).cdf(std::exp(1.0)), 0.5, 1e-15);
  EXPECT_THROW((void)Exponential().quantile(1.5), std::invalid_argument);
}

// 1/4, 0, 1/2, 1/4 on 2, 5, 7, 9, given out of order.
TEST(Pmf, IsSortedAndNormalised) {
  const AliasTable table(std::vector<std::uint32_t>{7, 2, 5, 9}, std::vector<double>{2, 1, 0, 1});
  EXPECT_EQ(std::vector<double>(table.values().begin(), table.values().end()),
            (std::vector<double>{2, 5, 7, 9}));
  EXPECT_EQ(std::vector<double>(table.probabilities().begin(), table.probabilities().end()),
            (std::vector<double>{0.25, 0, 0.5, 0.25}));
  EXPECT_EQ(table.mean(), 6.25);
  EXPECT_EQ(table.cdf(1.9), 0);
  EXPECT_EQ(table.cdf(6), 0.25);
  EXPECT_EQ(table.cdf(7), 0.75);
  EXPECT_EQ(table.quantile(0), 2);
  EXPECT_EQ(table.quantile(0.25), 2);
  EXPECT_EQ(table.quantile(0.26), 7);
  EXPECT_EQ(table.quantile(1), 9);
}

void expect_refusal(const std::function<void()>& make, const std::string& message) {
  try {
    make();
    ADD_FAILURE() << "not refused: " << message;
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
  }
}

TEST(Laws, RefuseWrongParametersAndSayWhatIsAllowed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  expect_refusal([] { Exponential(0); }, "mean: 0 is not allowed; it must be above 0");
  expect_refusal([&] { Gamma{nan}; }, "shape: nan is not allowed; it must be from 0.005 to 100000");
  expect_refusal([] { Gamma(1, -1); }, "scale: -1");
  expect_refusal([&] { Weibull{infinity}; }, "shape: inf");
  expect_refusal([] { (void)Weibull::with_mean(0.005, 1); }, "mean: 1 with shape 0.005");
  expect_refusal([] { Pareto(0); }, "alpha: 0");
  expect_refusal([] { LogNormal(0, -1); }, "sigma: -1 is not allowed; it must be at least 0");
  expect_refusal([&] { (void)LogNormal::with_mean(1, infinity); }, "sigma: inf");
  expect_refusal([] { (void)LogNormal::with_mean_and_median(1, 2); }, "mean: 1 with median 2");
  expect_refusal([] { Uniform(2, 2); }, "high: 2 is not allowed; it must be above low, 2");
  expect_refusal([] { Uniform(-1e308, 1e308); }, "high - low is finite");
  expect_refusal([&] { Constant{nan}; }, "value: nan");
  expect_refusal([] { Zipf(1); }, "exponent: 1 is not allowed; it must be above 1");
  expect_refusal([] { Zipf(-1, 5); }, "exponent: -1 is not allowed; it must be at least 0");
  expect_refusal([] { Zipf(2, 0); }, "maximum: 0 is not allowed; it must be from 1 to 2^53");
  using Values = std::vector<std::uint32_t>;
  using Weights = std::vector<double>;
  expect_refusal([] { AliasTable(Values{}, Weights{}); }, "at least one value");
  expect_refusal([] { AliasTable(Values{4, 2, 4}, Weights{1, 1, 1}); }, "values: 4 twice");
  expect_refusal([] { AliasTable(Values{4, 2}, Weights{1, -1}); }, "probabilities: -1");
  expect_refusal([] { QuantileTable(Values{4, 2}, Weights{0, 0}); }, "a sum of 0");
  expect_refusal([] { QuantileTable(Values{4, 2}, Weights{1}); }, "a length of 1 is not allowed");
  expect_refusal([] { Mixture({}); }, "components: an empty list");
  expect_refusal([] { Mixture({{-1, Constant(1)}}); }, "weights: -1");
  std::vector<double> out(1);
  expect_refusal([&] { Zipf(2).sample(out); },
                 "out: float64 is not allowed; the values of this law are int64");
}

}  // namespace
}  // namespace tracetide::laws
