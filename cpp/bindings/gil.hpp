// The GIL around long work: let go of it, look after signals, and what becomes of a thread when Python ends.
#pragma once

#include <pybind11/pybind11.h>

#include <utility>

#include "tracetide/poll.hpp"

namespace tracetide::bindings {

/// Lets go of the GIL, and takes it back at the end. Unlike py::gil_scoped_release where Python ends
/// meanwhile, as it does for daemon threads: Python then ends a thread that wants the GIL by unwinding it,
/// which through a destructor is std::terminate. Here such a thread waits for the end of the process, as from
/// Python 3.14 on.
class Released {
 public:
  Released() noexcept : state_(PyEval_SaveThread()) {}
  ~Released();
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;

 private:
  PyThreadState* state_;
};

/// Takes the GIL, on any thread, in the same manner.
class Acquired {
 public:
  Acquired() noexcept;
  ~Acquired() { PyGILState_Release(state_); }
  Acquired(const Acquired&) = delete;
  Acquired& operator=(const Acquired&) = delete;

 private:
  PyGILState_STATE state_;
};

template <class Work>
decltype(auto) without_gil(Work&& work) {
  const Released released;
  return std::forward<Work>(work)();
}

/// For work that has let go of the GIL: lets a pending signal raise, several times a second.
[[nodiscard]] Poll signals();

/// The same for work that others call, with the GIL or without it, and that can tell them of an error only in
/// words: KeyboardInterrupt comes once they are done. Nothing on other threads than that which handles
/// signals, whose owner may wait for them with the GIL.
[[nodiscard]] Poll interrupts();

/// Whether Python ends, or has ended: then objects are left to the end of the process.
[[nodiscard]] bool is_ending() noexcept;

}  // namespace tracetide::bindings
