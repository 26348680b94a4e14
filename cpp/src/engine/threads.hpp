// Threads of streams.
#pragma once

#include <system_error>
#include <thread>
#include <utility>

namespace tracetide {

/// @throws std::system_error saying what to do where the system starts no more
template <class Work>
[[nodiscard]] std::thread start_thread(Work&& work) {
  try {
    return std::thread(std::forward<Work>(work));
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(),
                            "threads: the system starts no more threads for a stream; use fewer, or close "
                            "streams that are open");
  }
}

}  // namespace tracetide
