// A vector whose new elements are left uninitialised when it grows: columns are always written right after
// they are resized, and zeroing them first would be a tenth of the cost of a request.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

template <class T>
struct UninitializedAllocator : std::allocator<T> {
  static_assert(std::is_trivial_v<T>);
  template <class U>
  struct rebind {
    using other = UninitializedAllocator<U>;
  };
  template <class U>
  void construct(U* place) noexcept {
    ::new (static_cast<void*>(place)) U;
  }
  template <class U, class... Arguments>
  void construct(U* place, Arguments&&... arguments) noexcept {
    ::new (static_cast<void*>(place)) U(std::forward<Arguments>(arguments)...);
  }
};

template <class T>
using Column = std::vector<T, UninitializedAllocator<T>>;

}  // namespace tracetide
#pragma GCC visibility pop
