// PMF text as ServeGen writes it: a Python dict literal of numbers, `{224: 0.00031, 225: 0.00078}`.
//
//   pmf    = "{" [ entry { "," entry } ] "}"       spaces allowed between the tokens, nothing around
//   entry  = value ":" probability
//
// It is parsed, never evaluated: whatever else a Python literal could be is refused.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace tracetide {

/// Recorded PMFs sum to 1 only approximately; beyond this distance from 1 it is no PMF.
inline constexpr double pmf_sum_tolerance = 1e-3;

/// Appends the entries with a probability above 0 in ascending order of values, which are whole numbers
/// in [0, 2^32 - 1]. `{}` appends nothing. About 30 ns an entry.
/// @throws TextError (json_text.hpp) saying what is wrong; the vectors may then hold a part
void parse_integer_pmf(std::string_view text, std::vector<std::uint32_t>& values,
                       std::vector<double>& probabilities);

/// The same for real values in [0, 1].
void parse_ratio_pmf(std::string_view text, std::vector<double>& values, std::vector<double>& probabilities);

}  // namespace tracetide
