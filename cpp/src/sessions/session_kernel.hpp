// How many requests a session has made, on average, by a time after its start.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tracetide {

/// From the times of the requests of many sessions after their starts.
class SessionKernel {
 public:
  SessionKernel() = default;
  /// `offsets_ns` in any order, of as many sessions as `sessions`; not whole where the numbers of requests
  /// that were drawn are not what is expected.
  SessionKernel(std::vector<std::int64_t> offsets_ns, double sessions);

  /// The time after the start by which this part of all requests has come.
  [[nodiscard]] std::int64_t quantile(double part) const noexcept;
  /// Leaves out what comes later.
  void cut(std::int64_t horizon_ns);
  /// Expected requests, in [begin, end), of a session that starts uniformly in [0, length): all in ns.
  [[nodiscard]] double requests_between(std::int64_t length, std::int64_t begin, std::int64_t end) const;

 private:
  /// The integral up to x of the mean number of requests so far.
  [[nodiscard]] double integral(std::int64_t x) const;

  std::vector<std::int64_t> offset_{};
  std::vector<double> sum_before_{0.0};  // of offsets
  double sessions_ = 1;
};

}  // namespace tracetide
