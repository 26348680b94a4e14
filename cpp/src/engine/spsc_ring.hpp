// A queue of bounded length between one producer and one consumer, without locks (Lamport 1983).
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

namespace tracetide {

template <class T>
class SpscRing {
 public:
  explicit SpscRing(std::size_t places) : places_(places + 1) {}

  /// False if it is full; `value` is left as it is then.
  bool push(T& value) noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    const std::size_t next = after(tail);
    if (next == head_.load(std::memory_order_acquire)) return false;
    places_[tail] = std::move(value);
    tail_.store(next, std::memory_order_release);
    return true;
  }
  /// False if it is empty.
  bool pop(T& value) noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    value = std::move(places_[head]);
    head_.store(after(head), std::memory_order_release);
    return true;
  }

 private:
  [[nodiscard]] std::size_t after(std::size_t place) const noexcept {
    return place + 1 == places_.size() ? 0 : place + 1;
  }

  static constexpr std::size_t cache_line = 64;
  std::vector<T> places_;
  alignas(cache_line) std::atomic<std::size_t> head_ = 0;
  alignas(cache_line) std::atomic<std::size_t> tail_ = 0;
};

}  // namespace tracetide
