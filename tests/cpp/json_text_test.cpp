#include "profile/json_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tracetide {
namespace {

std::string string_in(std::string_view text) {
  JsonCursor cursor(text);
  std::string decoded;
  const std::string content(cursor.string(decoded));
  cursor.expect_end();
  return content;
}

template <class Read>
std::string error_of(std::string_view text, Read read) {
  try {
    read(text);
  } catch (const TextError& error) {
    EXPECT_LE(error.position(), text.size());
    return error.what();
  }
  return "no error";
}

void expect_refused(const std::string& text, std::string_view part) {
  EXPECT_NE(error_of(text, check_json_object).find(part), std::string::npos) << text;
}

std::string nested(std::size_t levels, const std::string& innermost) {
  return "{\"a\":" + std::string(levels, '[') + innermost + std::string(levels, ']') + '}';
}

TEST(JsonText, DecodesEscapes) {
  EXPECT_EQ(string_in(R"("plain é")"), "plain é");
  EXPECT_EQ(string_in(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(string_in(R"("\u0041\u00e9\u20AC")"), "A\u00e9\u20AC");
  EXPECT_EQ(string_in(R"("\u0000")"), std::string(1, '\0'));
}

TEST(JsonText, DecodesSurrogatePairsToOneCharacter) {
  EXPECT_EQ(string_in(R"("\ud800\udc00")"), "\U00010000");
  EXPECT_EQ(string_in(R"("\uDBFF\uDFFF")"), "\U0010FFFF");
  for (const char* half : {R"("\ud800")", R"("\ud800\udbff")", R"("\ud800\ue000")", R"("\ud800 \udc00")",
                           R"("\udc00\ud800")", R"("\udfff")"}) {
    EXPECT_NE(error_of(half, string_in).find("half of a surrogate pair"), std::string::npos) << half;
  }
}

TEST(JsonText, TakesEveryKindOfValue) {
  for (const char* text : {"{}", " { } ", R"({"": {}, "": []})", R"({"a": [true, false, null, "", 0]})",
                           R"({"a": [-0, 0.5, 1e5, 1E+5, -12.50e-05]})", "\t\r\n{}\t\r\n"}) {
    EXPECT_EQ(error_of(text, check_json_object), "no error") << text;
  }
}

TEST(JsonText, RefusesNumbersThatOnlyOtherLanguagesHave) {
  for (const char* number : {"01", "00", "-01", "-", "1.", ".5", "+1", "1e", "1e+", "0x1", "1_0"}) {
    EXPECT_NE(error_of("{\"a\": " + std::string(number) + '}', check_json_object), "no error") << number;
  }
  expect_refused("{\"a\": NaN}", "a JSON value expected");
}

TEST(JsonText, RefusesWhatIsNotInItsPlace) {
  expect_refused("", "it does not start with '{'");
  expect_refused("\xEF\xBB\xBF{}", "it does not start with '{'");
  expect_refused("{\"a\" 1}", "':' expected");
  expect_refused("{\"a\": 1,}", "'\"' expected");
  expect_refused("{\"a\": [1,]}", "a JSON value expected");
  expect_refused("{\"a\": [1}", "']' expected");
  expect_refused("{\"a\": tru}", "a JSON value expected");
  expect_refused("{\"a\": truefalse}", "'}' expected");
  expect_refused("{} {}", "nothing more expected");
  expect_refused(std::string("{}\0", 3), "nothing more expected");
  expect_refused(R"({"\x": 1})", "an escape that JSON does not have");
  expect_refused("{\"a\": \"\\", "a string without its closing");
  expect_refused("{\"a\": \"\n\"}", "a control character");
  expect_refused("{\"a\": \"\\\\\n\"}", "a control character");
}

TEST(JsonText, RefusesNestingBeyond64Levels) {
  EXPECT_EQ(error_of(nested(63, "0"), check_json_object), "no error");
  EXPECT_EQ(error_of(nested(64, ""), check_json_object), "no error");
  expect_refused(nested(64, "0"), "more than 64 levels");
  expect_refused(nested(100'000, ""), "more than 64 levels");
}

TEST(JsonText, RefusesBytesThatAreNotUtf8) {
  const auto with = [](const std::string& bytes) { return "{\"a\": \"" + bytes + "\"}"; };
  for (const char* bytes :
       {"\x7F", "\u0080", "\u07FF", "\u0800", "\uD7FF", "\uE000", "\uFFFF", "\U00010000", "\U0010FFFF"}) {
    EXPECT_EQ(error_of(with(bytes), check_json_object), "no error") << bytes;
  }
  // Stray and missing continuations, overlong forms, halves of surrogate pairs, beyond U+10FFFF.
  for (const char* bytes :
       {"\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x8C", "\xC3\xC3", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF",
        "\xF0\x8F\xBF\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    expect_refused(with(bytes), "not UTF-8");
  }
}

}  // namespace
}  // namespace tracetide
