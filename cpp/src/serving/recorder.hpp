// What happens to requests, as it goes into the result.
#pragma once

#include <cstdint>
#include <vector>

#include "serving/clock.hpp"
#include "serving/request_pool.hpp"
#include "tracetide/serving.hpp"

namespace tracetide {

class Recorder {
 public:
  /// The end of a request, for those who wait for it.
  struct End {
    std::uint64_t number;
    Picoseconds time;
  };

  Recorder(bool keep_requests, bool tells_ends) : keep_requests_(keep_requests), tells_ends_(tells_ends) {}

  void rejected(const LiveRequest& request) {
    ++result_.rejected;
    if (tells_ends_) ends_.push_back({request.number, request.arrival});
  }
  void preempted() { ++result_.preemptions; }
  void recomputed(std::uint64_t tokens) { result_.recomputed_tokens += tokens; }
  void iterations(std::uint64_t count, Picoseconds duration) {
    result_.iterations += count;
    busy_ += duration;
  }
  void kv_tokens(std::uint64_t used) {
    if (used > result_.peak_kv_tokens) result_.peak_kv_tokens = used;
  }
  void first_token(Picoseconds since_arrival) { result_.ttft.add(since_arrival); }
  void gap(Picoseconds gap, std::uint64_t count) { result_.tbt.add(gap, count); }
  /// Gaps first, first + step, ... of `sequences` sequences.
  void gaps(Picoseconds first, Picoseconds step, std::uint64_t iterations, std::uint64_t sequences) {
    result_.tbt.add_series(first, step, iterations, sequences);
  }

  void ended(const LiveRequest& request, std::uint32_t instance, Picoseconds time) {
    ++result_.requests;
    result_.input_tokens += request.input;
    result_.output_tokens += request.output;
    result_.latency.add(time - request.arrival);
    if (request.output > 1) result_.tpot.add((time - request.first_token) / (request.output - 1));
    if (time > end_) end_ = time;
    if (keep_requests_) {
      result_.served.push_back({request.number, instance, request.preemptions, seconds(request.arrival),
                                seconds(request.first_token), seconds(time)});
    }
    if (tells_ends_) ends_.push_back({request.number, time});
  }

  /// Ends since they were last cleared.
  [[nodiscard]] std::vector<End>& ends() noexcept { return ends_; }

  [[nodiscard]] ServingResult take() {
    result_.end_s = seconds(end_);
    result_.busy_s = static_cast<double>(busy_) / 1e12;
    return std::move(result_);
  }

 private:
  bool keep_requests_;
  bool tells_ends_;
  ServingResult result_{};
  Picoseconds end_ = 0;
  WidePicoseconds busy_ = 0;
  std::vector<End> ends_{};
};

}  // namespace tracetide
