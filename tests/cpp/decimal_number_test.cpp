#include "profile/decimal_number.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace tracetide {
namespace {

struct Read {
  double value = 0;
  std::string_view rest{};
};

std::optional<Read> read(std::string_view text) {
  Read made;
  const char* const end = read_decimal(text.data(), text.data() + text.size(), made.value);
  if (end == nullptr) return std::nullopt;
  made.rest = text.substr(static_cast<std::size_t>(end - text.data()));
  return made;
}

Read number_in(std::string_view text) { return read(text).value(); }

TEST(DecimalNumber, NearestDouble) {
  EXPECT_EQ(number_in("0.1").value, 0.1);
  EXPECT_EQ(number_in("-2.5e-3").value, -2.5e-3);
  EXPECT_EQ(number_in("9007199254740993").value, 9007199254740992.0);  // a tie, to even
  EXPECT_EQ(number_in("2.2250738585072011e-308").value, 0x0.fffffffffffffp-1022);
  EXPECT_EQ(number_in("4.9406564584124654e-324").value, 0x1p-1074);
  EXPECT_EQ(number_in("1.7976931348623157e308").value, 0x1.fffffffffffffp1023);
  EXPECT_EQ(number_in("0e99999").value, 0.0);
}

TEST(DecimalNumber, EndsWhereTheNumberEnds) {
  EXPECT_EQ(number_in("1.5, 2").rest, ", 2");
  EXPECT_EQ(number_in("5.").rest, "");
  EXPECT_EQ(number_in(".5}").rest, "}");
  EXPECT_EQ(number_in("1e").rest, "e");
  EXPECT_EQ(number_in("1e+").rest, "e+");
  EXPECT_EQ(number_in("1,5").rest, ",5");  // in no locale a decimal comma
  EXPECT_EQ(number_in("0x10").rest, "x10");
  EXPECT_EQ(number_in(std::string_view("12345").substr(0, 2)).value, 12.0);  // what follows is not looked at
}

TEST(DecimalNumber, NoNumber) {
  for (const char* const text : {"", "-", ".", " 1", "+1", "e5", "-.e1", "1e400", "-1e400", "1e-400", "x"})
    EXPECT_FALSE(read(text)) << text;
}

}  // namespace
}  // namespace tracetide
