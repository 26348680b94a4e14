#include "profile/pmf_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "profile/json_text.hpp"

namespace tracetide {
namespace {

struct Parsed {
  std::vector<std::uint32_t> values{};
  std::vector<double> probabilities{};
};

Parsed parse(std::string_view text) {
  Parsed result;
  parse_integer_pmf(text, result.values, result.probabilities);
  return result;
}

std::string error_of(std::string_view text) {
  try {
    (void)parse(text);
  } catch (const TextError& error) {
    EXPECT_LE(error.position(), text.size());
    return error.what();
  }
  return "no error";
}

TEST(PmfText, ReadsValuesAndProbabilities) {
  const Parsed pmf = parse("{224: 0.25, 225: 7.5e-1}");
  EXPECT_EQ(pmf.values, (std::vector<std::uint32_t>{224, 225}));
  EXPECT_EQ(pmf.probabilities, (std::vector<double>{0.25, 0.75}));
}

TEST(PmfText, ReadsNumbersToTheLastBit) {
  EXPECT_EQ(parse("{1: 0.00031520882584712374, 4294967295: 0.99968479117415287626}").probabilities[0],
            0.00031520882584712374);
}

TEST(PmfText, AppendsSoThatManyShareTheVectors) {
  Parsed pmf = parse("{7: 1.0}");
  parse_integer_pmf("{3: 0.5,1: 0.5}", pmf.values, pmf.probabilities);
  parse_integer_pmf(" {}", pmf.values, pmf.probabilities);
  EXPECT_EQ(pmf.values, (std::vector<std::uint32_t>{7, 1, 3}));
}

TEST(PmfText, SortsAndDropsZeros) {
  const Parsed pmf = parse("{5: 0.25, 2: 0.0, 1: 0.75, 9: 0}");
  EXPECT_EQ(pmf.values, (std::vector<std::uint32_t>{1, 5}));
  EXPECT_EQ(pmf.probabilities, (std::vector<double>{0.75, 0.25}));
}

TEST(PmfText, TakesSumsThatAreOneOnlyApproximately) {
  EXPECT_EQ(parse("{1: 0.5, 2: 0.5009}").values.size(), 2u);
  EXPECT_NE(error_of("{1: 0.5, 2: 0.502}").find("sum to 1.002"), std::string::npos);
  EXPECT_NE(error_of("{1: 0.5}").find("sum to 0.5"), std::string::npos);
  EXPECT_NE(error_of("{1: 0, 2: 0.0}").find("sum to 0"), std::string::npos);
}

TEST(PmfText, ReadsRatios) {
  std::vector<double> values;
  std::vector<double> probabilities;
  parse_ratio_pmf("{0.0: 0.5, 0.998: 0.25, 1: 0.25}", values, probabilities);
  EXPECT_EQ(values, (std::vector<double>{0, 0.998, 1}));
  EXPECT_THROW(parse_ratio_pmf("{1.5: 1}", values, probabilities), TextError);
  EXPECT_THROW(parse_ratio_pmf("{-0.5: 1}", values, probabilities), TextError);
  EXPECT_THROW(parse_ratio_pmf("{nan: 1}", values, probabilities), TextError);
}

class NotAPmf : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(NotAPmf, IsRefusedWithWhatWasFound) {
  const std::string message = error_of(GetParam().first);
  EXPECT_EQ(message.find("not a PMF: "), 0u) << message;
  EXPECT_NE(message.find(GetParam().second), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    Texts, NotAPmf,
    testing::Values(
        std::pair{"", "the end of the text"}, std::pair{"{", "the end of the text"},
        std::pair{"[1, 2]", "'{' expected, found \"[1, 2]\""}, std::pair{"{1: 1.0", "'}' expected"},
        std::pair{"{1: 1.0} + 1", "\"+ 1\""}, std::pair{"{1: 1.0}}", "after the closing"},
        std::pair{"{1: 1.0,}", "value \"}\""}, std::pair{"{1}", "':' expected"},
        std::pair{"{1 2: 1}", "':' expected"}, std::pair{"{: 1}", "value"},
        std::pair{"{1: }", "probability \"}\" of value 1"}, std::pair{"{-1: 1.0}", "value \"-1\""},
        std::pair{"{1.5: 1.0}", "value \"1.5\""}, std::pair{"{01: 1.0}", "value \"01\""},
        std::pair{"{4294967296: 1.0}", "value \"4294967296\""}, std::pair{"{1_0: 1.0}", "value \"1_0\""},
        std::pair{"{'a': 1.0}", "value \"'a'\""}, std::pair{"{1: nan}", "probability \"nan\""},
        std::pair{"{1: inf}", "probability \"inf\""}, std::pair{"{1: 1e400}", "probability \"1e400\""},
        std::pair{"{1: -0.5, 2: 1.5}", "probability \"-0.5\""}, std::pair{"{1: 2}", "probability \"2\""},
        std::pair{"{1: {2: 1.0}}", "probability \"{2\""},
        std::pair{"{1: 0.5, 1: 0.5}", "value 1 is there twice"},
        std::pair{"{3: 0.5, 1: 0, 3: 0.5}", "value 3 is there twice"},
        std::pair{"{1: 0.5 2: 0.5}", "'}' expected"}, std::pair{"{1: 1.0}\n", "\"?\""},
        std::pair{"{1: __import__('os').system('x')}", "probability"},
        std::pair{"{i: 1/9 for i in range(9)}", "value"}, std::pair{"{1: 0x1p0}", "'}' expected"}));

}  // namespace
}  // namespace tracetide
