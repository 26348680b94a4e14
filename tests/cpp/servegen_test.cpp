#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "profile/servegen_files.hpp"
#include "temporary_folder.hpp"
#include "tracetide/error.hpp"

namespace tracetide {
namespace {

namespace fs = std::filesystem;

constexpr const char* arrivals =
    "0,0,0,,0,0\n600,1.5,2.5,Gamma,0.007,3\n1200,2,1,Weibull,0.9,1\n1800,3,1,Exponential,1,1\n";
constexpr const char* lengths =
    "{\n  \"0\": {\"input_tokens\": \"{}\", \"output_tokens\": \"{}\"},\n"
    "  \"1200\": {\n    \"input_tokens\": \"{5: 0.5, 7: 0.5}\",\n    \"output_tokens\": \"{1: 1.0}\"\n  "
    "}\n}\n";

class ServeGen : public testing::Test {
 protected:
  void file(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  void client(int number, const std::string& trace = arrivals, const std::string& dataset = lengths) {
    file("chunk-" + std::to_string(number) + "-trace.csv", trace);
    if (!dataset.empty()) file("chunk-" + std::to_string(number) + "-dataset.json", dataset);
  }
  [[nodiscard]] Profile read(unsigned threads = 1) const { return read_servegen(folder_.path(), threads); }
  void expect_error(const std::string& part) const {
    std::string message = "no error";
    try {
      (void)read();
    } catch (const ProfileError& error) {
      message = error.what();
    }
    EXPECT_NE(message.find(part), std::string::npos) << "expected: " << part << "\nfound: " << message;
    EXPECT_NE(message.find(folder_.path().string()), std::string::npos) << message;
  }
  /// A dataset of one epoch.
  static std::string epoch(const std::string& fields) { return "{\"0\": {" + fields + "}}"; }
  static std::string language(const std::string& input) {
    return epoch("\"input_tokens\": \"" + input + "\", \"output_tokens\": \"{1: 1.0}\"");
  }

  TemporaryFolder folder_;
};

TEST_F(ServeGen, ReadsArrivalsAndLengths) {
  client(10);
  client(2);
  const Profile profile = read();
  EXPECT_EQ(profile.category(), Category::language);
  EXPECT_EQ(profile.default_counts(), Counts::pinned);
  ASSERT_EQ(profile.clients(), 2u);
  EXPECT_EQ(profile.client_name(0), "chunk-2");  // by number, not by name
  EXPECT_EQ(profile.client_name(1), "chunk-10");
  EXPECT_EQ(profile.window_ns(), 600'000'000'000);
  EXPECT_EQ(profile.windows(), 4u);
  EXPECT_EQ(profile.epoch_ns(), 1'200'000'000'000);
  EXPECT_EQ(profile.epochs(), 2u);
  EXPECT_EQ(profile.cells(0).rate.size(), 0u);
  EXPECT_EQ(profile.cells(1).rate[0], 1.5);
  EXPECT_EQ(profile.cells(1).cv[0], 2.5);
  EXPECT_EQ(profile.cells(1).shape[0], 0.007);
  EXPECT_EQ(profile.cells(2).family[1], Family::weibull);
  EXPECT_EQ(profile.cells(3).family[1], Family::exponential);
  EXPECT_EQ(profile.recorded(0, 0, 0), Profile::missing);
  EXPECT_EQ(profile.recorded(1, 0, 0), profile.resolved(0, 1, 0));
  EXPECT_EQ(profile.distributions(), 2u);  // equal ones are stored once
  EXPECT_EQ(profile.distribution(profile.resolved(0, 0, 0)).integer_values[1], 7u);
}

TEST_F(ServeGen, GivesTheSameImageForEveryThreadCount) {
  for (int i = 0; i < 20; ++i) client(i, arrivals, language("{" + std::to_string(i) + ": 1.0}"));
  const Profile one = read(1);
  for (const unsigned threads : {0u, 2u, 7u, 100u}) {
    EXPECT_TRUE(std::ranges::equal(read(threads).image(), one.image())) << threads;
  }
}

TEST_F(ServeGen, KeepsClientsWithoutDataset) {
  client(0);
  client(1, arrivals, "");
  const Profile profile = read();
  EXPECT_EQ(profile.cells(2).client.size(), 2u);
  EXPECT_TRUE(profile.has_fields(0));
  EXPECT_FALSE(profile.has_fields(1));
}

TEST_F(ServeGen, ReadsReasonRatios) {
  client(
      0, arrivals,
      epoch(
          R"("input_tokens": "{1: 1.0}", "output_tokens": "{1: 1}", "reason_ratio": "{0.5: 0.25, 0.0: 0.0, 0.75: 0.75}")"));
  const Profile profile = read();
  EXPECT_EQ(profile.category(), Category::reason);
  const Distribution ratio = profile.distribution(profile.recorded(0, 0, 2));
  EXPECT_EQ(ratio.kind, DistributionKind::real_pmf);
  EXPECT_EQ(ratio.real_values.size(), 2u);
  EXPECT_EQ(ratio.real_values[1], 0.75);
}

TEST_F(ServeGen, ReadsMultimodalAndTakesKindsThatAreNotNamedAsNone) {
  client(
      0, arrivals,
      epoch(
          R"("text_tokens": "{9: 1}", "output_tokens": "{1: 1}", "image_count": "{2: 1}", "image_tokens": "{100: 1}",
                               "audio_count": "{0: 1.0}", "audio_tokens": "{}")"));
  const Profile profile = read();
  EXPECT_EQ(profile.category(), Category::multimodal);
  const auto fields = fields_of(Category::multimodal);
  for (std::uint32_t position = 0; position < fields.size(); ++position) {
    ASSERT_NE(profile.recorded(0, 0, position), Profile::missing) << name(fields[position]);
    const Distribution found = profile.distribution(profile.recorded(0, 0, position));
    const bool none = std::string(name(fields[position])).find_first_of("av") == 0;
    EXPECT_EQ(found.integer_values[0] == 0, none) << name(fields[position]);
  }
  client(1, arrivals,
         epoch(R"("text_tokens": "{9: 1}", "output_tokens": "{1: 1}", "image_count": "{2: 1}")"));
  expect_error("chunk-1-dataset.json:1: epoch 0 s: field image_tokens is not there");
}

TEST_F(ServeGen, TakesEscapesInJson) {
  client(0, arrivals, R"({"\u0030": {"input\u005ftokens": "{5:\u00201}", "output_tokens": "{1: 1}"}})");
  EXPECT_EQ(read().distribution(0).integer_values[0], 5u);
}

TEST_F(ServeGen, TakesCarriageReturns) {
  client(0, "0,0,0,,0,0\r\n600,1.5,2.5,Gamma,1,3\r\n", language("{1: 1}"));
  EXPECT_EQ(read().windows(), 2u);
}

TEST_F(ServeGen, RefusesWrongFolders) {
  expect_error("no file chunk-<i>-trace.csv");
  EXPECT_THROW((void)read_servegen(folder_ / "none"), std::system_error);
  client(0, arrivals, "");
  expect_error("no file chunk-<i>-dataset.json");
  file("chunk-3-dataset.json", lengths);
  expect_error("chunk-3-dataset.json without its chunk-3-trace.csv");
  fs::create_directory(folder_ / "chunk-3-trace.csv");
  EXPECT_THROW((void)read(), std::system_error);
}

TEST_F(ServeGen, RefusesWrongArrivals) {
  const auto row = [this](const std::string& text, const std::string& part) {
    client(0, "0,1,1,Gamma,1,1\n600,1,1,Gamma,1,1\n" + text);
    expect_error("chunk-0-trace.csv:3: " + part);
  };
  row("1200,1,1,Gamma,1\n", "5 columns in \"1200,1,1,Gamma,1\"; 6 expected");
  row("1200,1,1,Gamma,1,1,1\n", "7 columns");
  row("\n", "1 columns");
  row("1200,nan,1,Gamma,1,1\n", "rate \"nan\"; allowed");
  row("1200,-1,1,Gamma,1,1\n", "rate \"-1\"");
  row("1200,1e13,1,Gamma,1,1\n", "rate \"1e13\"");
  row("1200,1e400,1,Gamma,1,1\n", "rate \"1e400\"");
  row("1200,,1,Gamma,1,1\n", "rate \"\"");
  row("1200,1 ,1,Gamma,1,1\n", "rate \"1 \"");
  row("1200,1,inf,Gamma,1,1\n", "CV \"inf\"");
  row("1200,1,1,Pareto,1,1\n", "family \"Pareto\"; allowed: Exponential, Gamma, Weibull, or empty");
  row("1200,1,1,,1,1\n", "rate \"1\" without a family");
  row("1200,1,1,Gamma,0.004,1\n", "shape \"0.004\"; allowed: from 0.005 to 1e5");
  row("1200,1,1,Weibull,1e6,1\n", "shape \"1e6\"");
  row("1200,1,1,Gamma,1,x\n", "scale \"x\"");
  row("1201,1,1,Gamma,1,1\n", "start \"1201\" s; 1200 expected");
  row("600,1,1,Gamma,1,1\n", "start \"600\" s; 1200 expected");
  row("1800,1,1,Gamma,1,1\n", "start \"1800\" s; 1200 expected");
  client(0, "start,rate,cv,family,shape,scale\n");
  expect_error("chunk-0-trace.csv:1: start \"start\"");
  client(0, "600,1,1,Gamma,1,1\n1200,1,1,Gamma,1,1\n");
  expect_error("chunk-0-trace.csv:1: the first window starts at \"600\"");
  client(0, "0,1,1,Gamma,1,1\n0,1,1,Gamma,1,1\n");
  expect_error("chunk-0-trace.csv:2: start \"0\" s is not after");
  client(0, "");
  expect_error("chunk-0-trace.csv:1: the file has 0 rows");
}

TEST_F(ServeGen, RefusesGridsThatDiffer) {
  client(0);
  client(1, "0,1,1,Gamma,1,1\n600,1,1,Gamma,1,1\n");
  expect_error("chunk-1-trace.csv:2: 2 windows; 4 expected, as in chunk-0-trace.csv");
  client(1, "0,1,1,Gamma,1,1\n300,1,1,Gamma,1,1\n");
  expect_error("chunk-1-trace.csv:2: windows of 300 s; 600 s expected");
}

TEST_F(ServeGen, RefusesWrongEpochs) {
  const auto starts = [this](std::initializer_list<const char*> keys, const std::string& part) {
    std::string text = "{";
    for (const char* key : keys) {
      text += std::string(text.size() > 1 ? ",\n" : "\n") + "\"" + key +
              "\": {\"input_tokens\": \"{}\", \"output_tokens\": \"{}\"}";
    }
    client(0, arrivals, text + "}");
    expect_error("chunk-0-dataset.json:" + part);
  };
  starts({"x"}, "2: epoch \"x\"; allowed");
  starts({"-600"}, "2: epoch \"-600\"");
  starts({"0", "0"}, "3: the epoch is there twice");
  starts({"0", "2400"}, "3: epoch 2400 s is not within the period of 2400 s");
  starts({"0", "900"}, "3: epoch 900 s is not a multiple of the windows' 600 s");
}

TEST_F(ServeGen, TakesEpochsInAnyOrderAndWithGaps) {
  const std::string fields = R"({"input_tokens": "{1: 1}", "output_tokens": "{1: 1}"})";
  client(0, arrivals, "{\"1800\": " + fields + ", \"600\": " + fields + "}");
  client(1, arrivals, "{\"0\": " + fields + "}");
  const Profile profile = read();
  EXPECT_EQ(profile.epoch_ns(), 600'000'000'000);
  EXPECT_EQ(profile.epochs(), 4u);
  EXPECT_EQ(profile.recorded(0, 0, 0), Profile::missing);
  EXPECT_NE(profile.recorded(1, 0, 0), Profile::missing);
  EXPECT_EQ(profile.recorded(2, 0, 0), Profile::missing);
  EXPECT_NE(profile.recorded(3, 0, 0), Profile::missing);
}

TEST_F(ServeGen, RefusesBrokenDatasets) {
  const auto dataset = [this](const std::string& text, const std::string& part) {
    client(0, arrivals, text);
    expect_error("chunk-0-dataset.json:" + part);
  };
  dataset("\n{\"0\": {\"input_tokens\": \"{1: 1}\"",
          "2: epoch \"0\", field input_tokens: '}' expected, found the end");
  dataset("[]", "1: '{' expected, found \"[\"");
  dataset("{} x", "1: nothing more expected");
  dataset("{\"0\": 1}", "1: epoch \"0\": '{' expected, found \"1\"");
  dataset("{\"0\n", "1: a string without its closing");
  dataset("{\"0\": {\"tokens\": \"{}\"}}", "1: epoch \"0\": field \"tokens\"; allowed: input_tokens");
  dataset(epoch(R"("input_tokens": {"1": 1})"),
          "1: epoch \"0\", field input_tokens: '\"' expected, found \"{\"");
  dataset(epoch(R"("input_tokens": "{1: 1}")"), "1: epoch 0 s: field output_tokens is not there");
  dataset(epoch(R"("input_tokens": "{1: 1}", "input_tokens": "{1: 1}")"),
          "1: epoch \"0\", field input_tokens: the field is there twice");
  dataset(epoch(R"("input_tokens": "{1: 1}", "output_tokens": "{1: 1}", "image_count": "{1: 1}")"),
          "1: field input_tokens does not go with category multimodal");
  dataset(epoch(R"("input\q": "{}")"), "1: epoch \"0\": an escape that JSON does not have");
  dataset(epoch(R"("\ud800": "{}")"), "1: epoch \"0\": half of a surrogate pair");
  const auto pmf = [&](const std::string& text, const std::string& part) {
    dataset(language(text), "1: epoch \"0\", field input_tokens: not a PMF: " + part);
  };
  pmf("", "'{' expected");
  pmf("{1: 1e400}", "probability \"1e400\" of value 1");
  pmf("{1: -1}", "probability \"-1\"");
  pmf("{1: 0.5, 1: 0.5}", "value 1 is there twice");
  pmf("{1: {}}", "probability");
  pmf("print(1)", "'{' expected, found \"print(1)\"");
  pmf("{1: 0.9}", "its probabilities sum to 0.9");
  pmf("{1: 0.0}", "its probabilities sum to 0");
}

TEST_F(ServeGen, ReportsTheFirstErrorWhateverTheThreads) {
  for (int i = 0; i < 12; ++i) client(i, i % 5 == 3 ? "x" : arrivals);
  for (const unsigned threads : {1u, 2u, 8u}) {
    try {
      (void)read(threads);
      ADD_FAILURE();
    } catch (const ProfileError& error) {
      EXPECT_NE(std::string(error.what()).find("chunk-3-trace.csv"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace tracetide
