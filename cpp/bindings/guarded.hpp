// Objects that change, as Python's threads may share them.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "gil.hpp"

namespace tracetide::bindings {

/// For one thread at a time, as a generator is: a second one gets an error, whether there is a GIL or not.
/// All functions of a bound class that changes go through `guarded`.
template <class T>
class Guarded {
 public:
  template <class... Arguments>
  explicit Guarded(std::in_place_t, Arguments&&... arguments)
      : object_(std::in_place, std::forward<Arguments>(arguments)...) {}
  /// Without the GIL, as its end may wait for threads.
  ~Guarded() {
    const Released released;
    object_.reset();
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  /// Calls work(object). @throws py::value_error while another call is under way
  template <class Work>
  decltype(auto) use(Work&& work) {
    if (busy_.test_and_set()) {
      throw pybind11::value_error(std::string(pybind11::str(pybind11::type::of<Guarded>().attr("__name__"))) +
                                  ": it is being used by another thread, and is for one at a time");
    }
    const Clear clear{busy_};
    return std::forward<Work>(work)(*object_);
  }

 private:
  struct Clear {
    std::atomic_flag& flag;
    ~Clear() { flag.clear(); }
  };

  std::optional<T> object_;
  std::atomic_flag busy_{};
};

/// A function of an object as one of its Guarded. `work`: a function, or +[](T&, ...) { ... }.
template <class T, class Result, class... Arguments>
auto guarded(Result (*work)(T&, Arguments...)) {
  return [work](Guarded<std::remove_const_t<T>>& self, Arguments... arguments) -> Result {
    return self.use([&](T& object) -> Result { return work(object, std::forward<Arguments>(arguments)...); });
  };
}

}  // namespace tracetide::bindings
