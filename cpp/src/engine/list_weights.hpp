// How much the lists of requests hold, so that what is made together is bounded by that and not by the number
// of requests alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/job_state.hpp"

namespace tracetide {

/// List values of a request that count as part of it.
inline constexpr double values_of_row = 16;
/// Values in the lists of a batch of a fixed number of requests, from which on it is whole before it has them
/// all: 128 MB.
inline constexpr std::size_t most_batch_values = std::size_t{1} << 25;

/// By profile window of the job's span, how many requests without lists one request counts as: 1, or the
/// values of its lists (items, their bytes, hash ids) over `values_of_row`, on average over the clients by
/// their rates. Empty where the job has no lists. Of sessions, the growth of their prompts is estimated.
[[nodiscard]] std::vector<double> list_weights(const JobState& job);

}  // namespace tracetide
