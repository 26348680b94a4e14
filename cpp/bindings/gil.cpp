#include "gil.hpp"

#include <chrono>
#include <stdexcept>
#include <thread>

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

using Clock = std::chrono::steady_clock;

// Long enough to cost nothing, short enough for Ctrl-C.
constexpr std::chrono::milliseconds signal_interval{50};

// What unwinds the thread goes no further; it must not be let go of either.
template <class Take>
auto or_wait_for_the_end(Take&& take) noexcept {
  try {
    return take();
  } catch (...) {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }
}

}  // namespace

Released::~Released() {
  or_wait_for_the_end([this] { PyEval_RestoreThread(state_); });
}

Acquired::Acquired() noexcept : state_(or_wait_for_the_end([] { return PyGILState_Ensure(); })) {}

Poll signals() {
  return [next = Clock::now() + signal_interval]() mutable {
    if (Clock::now() < next) return;
    const Acquired acquired;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    next = Clock::now() + signal_interval;
  };
}

Poll interrupts() {
  const auto main =
      py::module_::import("threading").attr("main_thread")().attr("ident").cast<unsigned long>();
  return [main, next = Clock::now() + signal_interval]() mutable {
    if (Clock::now() < next || PyThread_get_thread_ident() != main) return;
    const Acquired acquired;
    next = Clock::now() + signal_interval;
    if (PyOS_InterruptOccurred() == 0) return;
    PyErr_SetInterrupt();  // which the question has taken back
    throw std::runtime_error("interrupted");
  };
}

bool is_ending() noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsInitialized() == 0 || Py_IsFinalizing() != 0;
#else
  return Py_IsInitialized() == 0 || _Py_IsFinalizing() != 0;
#endif
}

}  // namespace tracetide::bindings
