// An operator new that fails when it is told to, in the program it is linked into.
#pragma once

#include <cstdint>

namespace tracetide::failing_new {

enum class Failure { once, from_there_on };

/// Lets the n-th allocation from now on fail, counted over all threads from 1; with `from_there_on` those
/// behind it as well, until clear().
void fail_at(std::uint64_t n, Failure failure) noexcept;
/// No allocation fails any more. Whether one has.
bool clear() noexcept;
/// Allocations that have not been freed.
[[nodiscard]] std::int64_t alive() noexcept;

}  // namespace tracetide::failing_new
