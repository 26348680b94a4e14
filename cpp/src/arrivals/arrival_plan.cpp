#include "arrivals/arrival_plan.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "math/bits.hpp"

namespace tracetide {
namespace {

// Half a unit of candidates gives as many gaps with hardly an exception.
constexpr std::uint64_t enough_for_few = 6;
// A renewal count has no bound of its own. Windows that keep their gaps are made whole, in memory.
constexpr std::uint64_t largest_renewal_kept = std::uint64_t{1} << 26;
constexpr std::uint64_t largest_renewal_planned = std::uint64_t{1} << 33;
constexpr std::int64_t far_future = std::int64_t{1} << 60;

std::int64_t to_fixed(double value) noexcept {
  return value < static_cast<double>(far_future) ? static_cast<std::int64_t>(value + 0.5) : far_future;
}

// A whole number uniform in [0, bound): the high half of a 64-bit random word times the bound.
std::int64_t uniform_below(std::int64_t bound, const StreamKey& stream) noexcept {
  const auto words = philox4x32_10(stream.counter(0), stream.key());
  const std::uint64_t random = words[0] | static_cast<std::uint64_t>(words[1]) << 32;
  return static_cast<std::int64_t>(multiply_high(random, static_cast<std::uint64_t>(bound)));
}

}  // namespace

void ArrivalPlan::make(const ClientWindow& window, ArrivalScratch& scratch) {
  window_ = window;
  streams_ = gap_streams(window.seed, window.client, window.window, window.what);
  shift_ = std::max(0, 51 - bit_length(static_cast<std::uint64_t>(window.length_ns)));
  start_ = 0;
  skipped_ = 0;
  rotation_ = 0;
  arrivals_ = 0;
  log_offset_ = 0;
  kept_ = true;
  gap_.clear();
  first_gap_.assign(1, 0);
  sum_before_.assign(1, 0.0);
  const StreamKey modulation{window.seed, window.client, window.window,
                             static_cast<std::uint8_t>(Purpose::modulation)};
  scratch.noise.make(window.noise, window.requests, modulation, window.part, *kernels_, noise_);
  if (window.counts == Counts::renewal) {
    run_renewal(scratch);
    return;
  }
  if (window.gaps == 0) return;
  fill_circle(window.gaps, scratch);
  if (window.counts == Counts::servegen) {
    skipped_ = 1;
    arrivals_ = window.gaps - 1;
    return;
  }
  arrivals_ = window.gaps;
  const Purpose purpose = window.what == Arrivals::sessions ? Purpose::start_phase : Purpose::phase;
  const StreamKey phase{window.seed, window.client, window.window, static_cast<std::uint8_t>(purpose)};
  start_ = uniform_below(window.length_ns, phase) << shift_;
  find_rotation(scratch);
}

// Appends gaps of `block` to `out` until there are `wanted` of them or the block is used up.
void ArrivalPlan::make_gaps(std::uint64_t block, std::uint64_t wanted, Column<double>& out) const {
  const std::size_t begin = out.size();
  if (wanted <= enough_for_few) {
    out.resize(begin + gaps_per_unit);
    if (kernels_->few_gaps(window_.law, streams_, block * units_per_block, out.data() + begin) >= wanted) {
      out.resize(begin + wanted);
      return;
    }
  }
  std::uint32_t made = 0;
  std::uint32_t unit = 0;
  while (unit < units_per_block && made < wanted) {
    // One candidate in twenty is rejected at worst (shape 1), which the eighth more makes up for.
    const std::uint64_t missing = wanted - made;
    const auto units = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        units_per_block - unit, (missing + missing / 8 + gaps_per_unit - 1) / gaps_per_unit));
    out.resize(begin + made + units * gaps_per_unit);
    made += kernels_->gaps(window_.law, streams_, block * units_per_block + unit, units,
                           out.data() + begin + made);
    unit += units;
  }
  out.resize(begin + std::min<std::uint64_t>(made, wanted));
}

void ArrivalPlan::fill_circle(std::uint64_t count, ArrivalScratch& scratch) {
  kept_ = count <= std::max<std::uint64_t>(keep_, 1);
  const bool logarithmic = window_.law.logarithmic;
  Column<double>& gaps = target(scratch);
  gaps.clear();
  if (count == 1) {
    // The one gap goes once around the circle, whatever it is.
    gaps.push_back(1.0);
    first_gap_.push_back(1);
    end_block(1.0);
    scale_ = static_cast<double>(window_.length_ns << shift_);
    return;
  }
  double highest = 0;
  for (std::uint64_t block = 0; first_gap_.back() < count; ++block) {
    scratch.did(gaps_per_block);
    if (!kept_) gaps.clear();
    const std::size_t begin = gaps.size();
    make_gaps(block, count - first_gap_.back(), gaps);
    const auto made = static_cast<std::uint32_t>(gaps.size() - begin);
    first_gap_.push_back(first_gap_.back() + made);
    if (!logarithmic) {
      end_block(kernels_->sum(gaps.data() + begin, made));
    } else if (made != 0) {
      const double here = kernels_->largest(gaps.data() + begin, made);
      highest = begin == 0 && block == 0 ? here : std::max(highest, here);
    }
  }
  if (logarithmic) {
    // Relative to the largest gap the sum is at least 1, whatever underflows.
    log_offset_ = highest;
    for (std::size_t block = 0; block < blocks(); ++block) {
      scratch.did(gaps_per_block);
      const auto made = static_cast<std::uint32_t>(first_gap_[block + 1] - first_gap_[block]);
      std::size_t begin = first_gap_[block];
      if (!kept_) {
        begin = 0;
        gaps.clear();
        make_gaps(block, made, gaps);
      }
      kernels_->exponentiate(gaps.data() + begin, made, log_offset_);
      end_block(kernels_->sum(gaps.data() + begin, made));
    }
  }
  scale_ = static_cast<double>(window_.length_ns << shift_) / sum_before_.back();
}

void ArrivalPlan::run_renewal(ArrivalScratch& scratch) {
  const StreamKey first{window_.seed, window_.client, window_.window,
                        static_cast<std::uint8_t>(Purpose::first_gap)};
  const bool logarithmic = window_.law.logarithmic;
  const double mean_gap = 1e9 / window_.rate * static_cast<double>(std::int64_t{1} << shift_);
  const std::int64_t end = window_.length_ns << shift_;
  start_ = to_fixed(forward_recurrence(window_.law, first) * mean_gap);
  if (start_ >= end) return;
  log_offset_ = logarithmic ? window_.law.log_mean : 0.0;
  scale_ = logarithmic ? mean_gap : mean_gap / window_.law.mean;
  for (std::uint64_t block = 0; fixed_start(block) < end; ++block) {
    scratch.did(gaps_per_block);
    if (kept_ && gap_.size() > keep_) {
      kept_ = false;
      gap_.clear();
    }
    Column<double>& gaps = target(scratch);
    if (!kept_) gaps.clear();
    const std::size_t begin = gaps.size();
    // What rounding can move a block by is far below these 4096 units of fixed point.
    const double room = static_cast<double>(end - fixed_start(block)) + 4096.0;
    const std::uint32_t made = run_block(block, room, mean_gap, gaps);
    first_gap_.push_back(first_gap_.back() + made);
    if (first_gap_.back() > (kept_ ? largest_renewal_kept : largest_renewal_planned)) {
      throw std::invalid_argument("counts: renewal: client " + std::to_string(window_.client) +
                                  " has more than " + std::to_string(first_gap_.back()) +
                                  " requests in window " + std::to_string(window_.window) +
                                  ", as the count of a law with shape " + std::to_string(window_.law.shape) +
                                  " varies without bound; use counts \"pinned\" for this profile");
    }
    end_block(kernels_->sum(gaps.data() + begin, made));
  }
  // The last block is the one that crosses the end of the window: it holds the last arrivals.
  arrivals_ = arrivals_inside(blocks() - 1, scratch);
}

// Appends gaps of `block` to `out` until they surely fill `room` (fixed point) or the block is used up.
std::uint32_t ArrivalPlan::run_block(std::uint64_t block, double room, double mean_gap,
                                     Column<double>& out) const {
  const std::size_t begin = out.size();
  std::uint32_t made = 0;
  for (std::uint32_t unit = 0; unit < units_per_block;) {
    const double likely = room / mean_gap * 1.25 / gaps_per_unit + 1.0 + unit;
    const std::uint32_t until =
        likely < units_per_block ? static_cast<std::uint32_t>(likely) : units_per_block;
    const std::uint32_t units = std::max<std::uint32_t>(1, until - unit);
    out.resize(begin + made + units * gaps_per_unit);
    double* here = out.data() + begin + made;
    const std::uint32_t more =
        kernels_->gaps(window_.law, streams_, block * units_per_block + unit, units, here);
    if (window_.law.logarithmic) kernels_->exponentiate(here, more, log_offset_);
    made += more;
    unit += units;
    if (kernels_->sum(out.data() + begin, made) * scale_ > room) break;
  }
  out.resize(begin + made);
  return made;
}

std::int64_t ArrivalPlan::fixed_start(std::size_t block) const noexcept {
  const std::int64_t at = start_ + to_fixed(sum_before_[block] * scale_);
  // Where the last gaps are 0 to the nanosecond, the arrivals before them still belong to this window.
  if (window_.counts == Counts::servegen) return std::min(at, (window_.length_ns << shift_) - 1);
  if (window_.counts == Counts::renewal) return std::min(at, window_.length_ns << shift_);
  return at;
}

std::int64_t ArrivalPlan::block_start(std::size_t block) const noexcept {
  const std::int64_t at = fixed_start(block) >> shift_;
  return warped(at >= window_.length_ns && window_.counts == Counts::pinned ? at - window_.length_ns : at);
}

std::int64_t ArrivalPlan::warped(std::int64_t operational) const noexcept {
  const std::int64_t in_noise = noise_.at(operational);
  return window_.curve == nullptr ? in_noise : window_.curve->at(in_noise);
}

std::int64_t ArrivalPlan::first_operational(std::int64_t time) const noexcept {
  return noise_.first_at(window_.curve == nullptr ? time : window_.curve->first_at(time));
}

void ArrivalPlan::warp(std::span<std::int64_t> times) const noexcept {
  noise_.apply(*kernels_, times);
  if (window_.curve != nullptr) window_.curve->apply(*kernels_, times);
}

std::span<const double> ArrivalPlan::gaps_of(std::size_t block, ArrivalScratch& scratch) const {
  const std::uint64_t count = first_gap_[block + 1] - first_gap_[block];
  if (kept_) return {gap_.data() + first_gap_[block], count};
  scratch.gaps.clear();
  make_gaps(block, count, scratch.gaps);
  if (window_.law.logarithmic) {
    kernels_->exponentiate(scratch.gaps.data(), static_cast<std::uint32_t>(count), log_offset_);
  }
  return scratch.gaps;
}

// In generation order, not yet turned around the circle.
void ArrivalPlan::block_times(std::size_t block, std::int64_t* out, ArrivalScratch& scratch) const {
  const std::span<const double> gaps = gaps_of(block, scratch);
  kernels_->arrival_times(gaps.data(), static_cast<std::uint32_t>(gaps.size()), scale_, fixed_start(block),
                          fixed_start(block + 1), shift_, out);
}

// The gaps up to and including those of `block` that arrive before the window's end, given that all of the
// blocks before do.
std::uint64_t ArrivalPlan::arrivals_inside(std::size_t block, ArrivalScratch& scratch) const {
  scratch.times.resize(first_gap_[block + 1] - first_gap_[block]);
  block_times(block, scratch.times.data(), scratch);
  const auto inside = std::lower_bound(scratch.times.begin(), scratch.times.end(), window_.length_ns);
  return first_gap_[block] + static_cast<std::uint64_t>(inside - scratch.times.begin());
}

void ArrivalPlan::find_rotation(ArrivalScratch& scratch) {
  std::size_t low = 0;
  std::size_t high = blocks();
  while (low < high) {  // first block that starts beyond the end; block 0 starts at the phase, inside
    const std::size_t middle = (low + high) / 2;
    if (fixed_start(middle) >> shift_ >= window_.length_ns) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  rotation_ = arrivals_inside(low - 1, scratch);
}

void ArrivalPlan::times(std::int64_t* out, ArrivalScratch& scratch) const {
  if (arrivals_ == 0) return;
  Column<std::int64_t> turned;
  turned.swap(scratch.times);
  turned.resize(first_gap_.back());
  for (std::size_t block = 0; block < blocks(); ++block) {
    block_times(block, turned.data() + first_gap_[block], scratch);
  }
  if (window_.counts == Counts::pinned) {
    const std::uint64_t beyond = turned.size() - rotation_;
    for (std::uint64_t i = 0; i < beyond; ++i) out[i] = turned[rotation_ + i] - window_.length_ns;
    std::memcpy(out + beyond, turned.data(), rotation_ * sizeof *out);
  } else {
    std::memcpy(out, turned.data() + skipped_, arrivals_ * sizeof *out);
  }
  turned.swap(scratch.times);
  warp({out, static_cast<std::size_t>(arrivals_)});
}

std::uint64_t ArrivalPlan::times_between(std::int64_t from, std::int64_t to, Column<std::int64_t>& out,
                                         ArrivalScratch& scratch) const {
  const std::size_t begin = out.size();
  const std::uint64_t rank =
      operational_between(first_operational(from), first_operational(to), out, scratch);
  warp(std::span(out.data() + begin, out.size() - begin));
  return rank;
}

std::uint64_t ArrivalPlan::operational_between(std::int64_t from, std::int64_t to, Column<std::int64_t>& out,
                                               ArrivalScratch& scratch) const {
  if (window_.counts != Counts::pinned) {
    return part_between(skipped_, skipped_ + arrivals_, 0, from, to, out, scratch) - skipped_;
  }
  // In time order: the gaps beyond the end of the circle, then those before it.
  const std::uint64_t total = first_gap_.back();
  const std::size_t before = out.size();
  const std::uint64_t turned = part_between(rotation_, total, window_.length_ns, from, to, out, scratch);
  const bool any_turned = out.size() != before;
  const std::uint64_t plain = part_between(0, rotation_, 0, from, to, out, scratch);
  return any_turned ? turned - rotation_ : plain + (total - rotation_);
}

// Arrivals of the gaps first .. last - 1, `turn` ns earlier than laid out, that lie in [from, to).
// Returns the gap of the first of them.
std::uint64_t ArrivalPlan::part_between(std::uint64_t first, std::uint64_t last, std::int64_t turn,
                                        std::int64_t from, std::int64_t to, Column<std::int64_t>& out,
                                        ArrivalScratch& scratch) const {
  std::uint64_t found = last;
  if (first == last) return found;
  std::size_t low = 0;
  std::size_t high = blocks();
  while (low < high) {  // first block that starts at `from` or later; the one before may reach into it
    const std::size_t middle = (low + high) / 2;
    if ((fixed_start(middle) >> shift_) - turn >= from) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  for (std::size_t block = low == 0 ? 0 : low - 1; block < blocks(); ++block) {
    if ((fixed_start(block) >> shift_) - turn >= to || first_gap_[block] >= last) break;
    if (first_gap_[block + 1] <= first) continue;
    const std::uint64_t offset = first_gap_[block];
    scratch.times.resize(first_gap_[block + 1] - offset);
    block_times(block, scratch.times.data(), scratch);
    const auto begin = scratch.times.begin() + static_cast<std::ptrdiff_t>(std::max(first, offset) - offset);
    const auto end =
        scratch.times.begin() + static_cast<std::ptrdiff_t>(std::min(last, first_gap_[block + 1]) - offset);
    const auto inside = std::lower_bound(begin, end, from + turn);
    const auto outside = std::lower_bound(inside, end, to + turn);
    if (inside == outside) continue;
    if (found == last) found = offset + static_cast<std::uint64_t>(inside - scratch.times.begin());
    for (auto at = inside; at != outside; ++at) out.push_back(*at - turn);
  }
  return found;
}

}  // namespace tracetide
