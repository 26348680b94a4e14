// Any text as ServeGen's literal of a distribution: refused, or values in order with probabilities above 0.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "profile/json_text.hpp"
#include "profile/pmf_text.hpp"

namespace {

template <class T, class Parse>
void check(std::string_view text, Parse parse) {
  std::vector<T> values;
  std::vector<double> probabilities;
  try {
    parse(text, values, probabilities);
  } catch (const tracetide::TextError&) {
    return;
  }
  if (values.size() != probabilities.size()) std::abort();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(probabilities[i] > 0) || (i > 0 && !(values[i - 1] < values[i]))) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check<std::uint32_t>(text, tracetide::parse_integer_pmf);
  check<double>(text, tracetide::parse_ratio_pmf);
  return 0;
}
