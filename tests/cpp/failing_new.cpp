#include "failing_new.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

using tracetide::failing_new::Failure;

std::atomic<std::int64_t> left = 0;  // allocations up to the one that fails; 0 or below: none, or behind it
std::atomic<bool> armed = false;
std::atomic<bool> has_failed = false;
std::atomic<Failure> kind = Failure::once;
std::atomic<std::int64_t> living = 0;

bool fails() noexcept {
  if (!armed) return false;
  const std::int64_t now = --left;
  const bool now_fails = now == 0 || (now < 0 && kind == Failure::from_there_on);
  if (now_fails) has_failed = true;
  return now_fails;
}

void* allocate(std::size_t size, std::size_t alignment) {
  void* const made =
      fails() ? nullptr : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (made == nullptr) throw std::bad_alloc();
  ++living;
  return made;
}

void release(void* held) noexcept {
  if (held == nullptr) return;
  --living;
  std::free(held);
}

}  // namespace

namespace tracetide::failing_new {

void fail_at(std::uint64_t n, Failure failure) noexcept {
  left = static_cast<std::int64_t>(n);
  kind = failure;
  has_failed = false;
  armed = true;
}

bool clear() noexcept {
  armed = false;
  return has_failed;
}

std::int64_t alive() noexcept { return living; }

}  // namespace tracetide::failing_new

// The standard library's other forms call these, but a sanitizer's do not: hence all that are in use.
void* operator new(std::size_t size) { return allocate(size == 0 ? 1 : size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return ::operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return ::operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size == 0 ? 1 : size, static_cast<std::size_t>(alignment));
}
void operator delete(void* held) noexcept { release(held); }
void operator delete[](void* held) noexcept { release(held); }
void operator delete(void* held, std::size_t) noexcept { release(held); }
void operator delete[](void* held, std::size_t) noexcept { release(held); }
void operator delete(void* held, std::align_val_t) noexcept { release(held); }
void operator delete(void* held, std::size_t, std::align_val_t) noexcept { release(held); }
