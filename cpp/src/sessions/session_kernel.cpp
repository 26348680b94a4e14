#include "sessions/session_kernel.hpp"

#include <algorithm>

namespace tracetide {

SessionKernel::SessionKernel(std::vector<std::int64_t> offsets_ns, double sessions)
    : offset_(std::move(offsets_ns)), sessions_(sessions) {
  std::ranges::sort(offset_);
  sum_before_.reserve(offset_.size() + 1);
  for (const std::int64_t offset : offset_)
    sum_before_.push_back(sum_before_.back() + static_cast<double>(offset));
}

std::int64_t SessionKernel::quantile(double part) const noexcept {
  if (offset_.empty()) return 0;
  return offset_[static_cast<std::size_t>(part * static_cast<double>(offset_.size() - 1))];
}

void SessionKernel::cut(std::int64_t horizon_ns) {
  const auto kept = std::ranges::upper_bound(offset_, horizon_ns) - offset_.begin();
  offset_.resize(static_cast<std::size_t>(kept));
  sum_before_.resize(offset_.size() + 1);
}

double SessionKernel::integral(std::int64_t x) const {
  if (x <= 0) return 0;
  const auto before = static_cast<std::size_t>(std::ranges::lower_bound(offset_, x) - offset_.begin());
  return (static_cast<double>(before) * static_cast<double>(x) - sum_before_[before]) / sessions_;
}

double SessionKernel::requests_between(std::int64_t length, std::int64_t begin, std::int64_t end) const {
  const auto until = [&](std::int64_t x) { return integral(x) - integral(x - length); };
  return std::max(0.0, (until(end) - until(begin)) / static_cast<double>(length));
}

}  // namespace tracetide
