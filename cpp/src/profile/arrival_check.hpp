// What a gap table and the noise of a rate may be, for files and for those that are built.
#pragma once

#include <string>

#include "tracetide/profile.hpp"

namespace tracetide {

/// What is wrong, the value found and what is allowed; empty if nothing is. Probabilities are at least 0.
[[nodiscard]] std::string gap_table_fault(const GapTable& table);
[[nodiscard]] std::string rate_noise_fault(const RateNoise& noise);

/// The mean of the gaps of a sound table, in the unit of its bins.
[[nodiscard]] double mean_gap(const GapTable& table);
/// The lower end of a bin of a table, in the unit of its bins.
[[nodiscard]] double bin_start(const GapTable& table, std::size_t bin) noexcept;

}  // namespace tracetide
