#include "engine/merge.hpp"

#include <algorithm>
#include <numeric>

#include "engine/columns.hpp"
#include "math/bits.hpp"

namespace tracetide {
namespace {

constexpr std::size_t slice_rows = 16384;
// Average requests a slice from which on a client counts as busy: half a group of random words.
constexpr std::size_t busy_rows = 16;
// Buckets with more keys than this are sorted before the insertion pass, whose cost is quadratic in them.
constexpr std::uint32_t large_bucket = 48;

// First of begin .. end - 1, ascending, that is not below `bound`: probed in growing steps, as it is usually
// near.
const std::int64_t* first_not_below(const std::int64_t* begin, const std::int64_t* end,
                                    std::int64_t bound) noexcept {
  std::ptrdiff_t step = 16;
  while (end - begin > step && begin[step] < bound) {
    begin += step;
    step *= 2;
  }
  return std::lower_bound(begin, end - begin > step ? begin + step + 1 : end, bound);
}

template <class T>
void make_room(Column<T>& values, std::size_t size) {
  if (values.size() < size) values.resize(std::max(size, values.size() + values.size() / 2));
}

}  // namespace

Merger::Merger(const Profile& profile, const SamplerCache& samplers, Coupling coupling, const Copula& copula,
               std::uint64_t seed, const Kernels& kernels, const PromptTemplates& templates)
    : category_(profile.category()),
      kernels_(&kernels),
      request_fields_(profile, samplers, coupling, copula, seed, kernels),
      seed_(seed),
      templates_(templates.empty() ? nullptr : &templates) {}

template <class Visit>
void Merger::for_each_column(Visit&& visit) const {
  for (std::size_t c = 0; c < RequestColumn::number(category_); ++c) visit(c);
  if (templates_ != nullptr) visit(RequestColumn::prompt);
}

void Merger::resize(RequestTable& table, std::size_t rows) const {
  for_each_column([&](std::size_t c) { table.column[c].resize(rows); });
}

void Merger::fill(const RequestRun& run, std::size_t n, RequestTable& table, std::size_t at) {
  request_fields_.fill(run, n, table, at, items_);
  if (templates_ == nullptr) return;
  const StreamKey stream{seed_, run.client, run.window, static_cast<std::uint8_t>(Purpose::prompt)};
  for (std::size_t i = 0; i < n; ++i)
    table.column[RequestColumn::prompt][at + i] = templates_->draw(run.client, stream, run.first_rank + i);
}

void Merger::merge(const MergeRange& range, std::span<const ClientRun> runs,
                   std::span<const std::int64_t> times, Columns& out, Column<std::uint32_t>* prompts) {
  std::size_t total = 0;
  for (const ClientRun& run : runs) total += run.end - run.begin;
  if (total == 0) return;
  from_ = range.from_ns;
  const auto length = static_cast<std::uint64_t>(range.to_ns - range.from_ns);
  const std::size_t wanted = (total + slice_rows - 1) / slice_rows;
  slice_bits_ = wanted == 1 ? bit_length(length - 1) : std::max(0, bit_length(length / wanted) - 1);
  const std::size_t slices = ((length - 1) >> slice_bits_) + 1;
  for (auto& arena : items_) arena.clear();

  busy_.clear();
  for (const ClientRun& run : runs) {
    if (slices == 1 || run.end - run.begin >= busy_rows * slices) busy_.push_back(run);
  }
  make_sparse(range, runs, times);
  deal_sparse(slices);
  for (std::size_t slice = 0; slice < slices; ++slice) {
    assemble(range, times, slice);
    if (rows_ == 0) continue;
    sort_slice(range.from_ns + (static_cast<std::int64_t>(slice) << slice_bits_));
    emit(range, out, prompts);
  }
}

void Merger::make_sparse(const MergeRange& range, std::span<const ClientRun> runs,
                         std::span<const std::int64_t> times) {
  sparse_.time.clear();
  sparse_.client.clear();
  if (busy_.size() == runs.size()) return;
  std::size_t rows = 0;
  std::size_t next_busy = 0;
  for (const ClientRun& run : runs) {
    if (next_busy < busy_.size() && busy_[next_busy].client == run.client) {
      ++next_busy;
      continue;
    }
    const std::size_t n = run.end - run.begin;
    sparse_.time.insert(sparse_.time.end(), times.begin() + static_cast<std::ptrdiff_t>(run.begin),
                        times.begin() + static_cast<std::ptrdiff_t>(run.end));
    sparse_.client.insert(sparse_.client.end(), n, run.client);
    resize(sparse_.fields, rows + n);
    fill({run.client, range.window, range.epoch, run.first_rank}, n, sparse_.fields, rows);
    rows += n;
  }
}

// Counting sort by slice; stable, so that each slice holds ascending clients.
void Merger::deal_sparse(std::size_t slices) {
  const std::size_t rows = sparse_.time.size();
  sparse_end_.assign(slices + 1, 0);
  if (rows == 0) return;
  for (std::size_t i = 0; i < rows; ++i) ++sparse_end_[slice_of(sparse_.time[i]) + 1];
  std::partial_sum(sparse_end_.begin(), sparse_end_.end(), sparse_end_.begin());
  place_.resize(rows);
  next_place_.assign(sparse_end_.begin(), sparse_end_.end() - 1);
  for (std::size_t i = 0; i < rows; ++i) {
    place_[i] = static_cast<std::uint32_t>(next_place_[slice_of(sparse_.time[i])]++);
  }
  const auto deal = [&]<class T>(const Column<T>& from, Column<T>& to) {
    to.resize(rows);
    for (std::size_t i = 0; i < rows; ++i) to[place_[i]] = from[i];
  };
  deal(sparse_.time, dealt_.time);
  deal(sparse_.client, dealt_.client);
  for_each_column([&](std::size_t c) { deal(sparse_.fields.column[c], dealt_.fields.column[c]); });
}

// Lays the requests of a slice out by ascending client, as their order breaks ties.
void Merger::assemble(const MergeRange& range, std::span<const std::int64_t> times, std::size_t slice) {
  const std::int64_t to = range.from_ns + (static_cast<std::int64_t>(slice + 1) << slice_bits_);
  std::size_t sparse = sparse_end_[slice];
  const std::size_t sparse_end = sparse_end_[slice + 1];
  rows_ = 0;
  for (ClientRun& run : busy_) {
    if (sparse != sparse_end && dealt_.client[sparse] < run.client) {
      const auto begin = dealt_.client.begin();
      const auto bound = std::lower_bound(begin + static_cast<std::ptrdiff_t>(sparse),
                                          begin + static_cast<std::ptrdiff_t>(sparse_end), run.client);
      append_sparse(sparse, static_cast<std::size_t>(bound - begin));
      sparse = static_cast<std::size_t>(bound - begin);
    }
    const std::int64_t* begin = times.data() + run.begin;
    const auto n = static_cast<std::size_t>(first_not_below(begin, times.data() + run.end, to) - begin);
    if (n == 0) continue;
    const std::size_t at = rows_;
    append(run.client, begin, static_cast<std::uint32_t>(n));
    resize(fields_, std::max(fields_.column[0].size(), rows_));
    fill({run.client, range.window, range.epoch, run.first_rank}, n, fields_, at);
    run.begin += n;
    run.first_rank += n;
  }
  append_sparse(sparse, sparse_end);
}

void Merger::append(std::uint32_t client, const std::int64_t* times, std::uint32_t n) {
  make_room(time_, rows_ + n);
  make_room(client_, rows_ + n);
  std::copy_n(times, n, time_.begin() + static_cast<std::ptrdiff_t>(rows_));
  std::fill_n(client_.begin() + static_cast<std::ptrdiff_t>(rows_), n, client);
  rows_ += n;
}

void Merger::append_sparse(std::size_t first, std::size_t last) {
  if (first == last) return;
  const std::size_t n = last - first;
  make_room(time_, rows_ + n);
  make_room(client_, rows_ + n);
  resize(fields_, std::max(fields_.column[0].size(), rows_ + n));
  const auto from = static_cast<std::ptrdiff_t>(first);
  const auto at = static_cast<std::ptrdiff_t>(rows_);
  std::copy_n(dealt_.time.begin() + from, n, time_.begin() + at);
  std::copy_n(dealt_.client.begin() + from, n, client_.begin() + at);
  for_each_column([&](std::size_t c) {
    std::copy_n(dealt_.fields.column[c].begin() + from, n, fields_.column[c].begin() + at);
  });
  rows_ += n;
}

void Merger::sort_slice(std::int64_t base) {
  base_ = base;
  index_bits_ = bit_length(rows_ - 1);
  make_room(key_, rows_);
  make_room(sorted_, rows_);
  packed_ = slice_bits_ + index_bits_ <= 64;
  if (packed_) {
    kernels_->make_keys(time_.data(), static_cast<std::uint32_t>(rows_), base, index_bits_, key_.data());
    sort_keys();
  } else {
    sort_by_comparison();
  }
}

void Merger::sort_keys() {
  const auto n = static_cast<std::uint32_t>(rows_);
  // One to two buckets a request, as far as whole nanoseconds allow.
  const int bucket_bits = std::min(slice_bits_, bit_length(n));
  const std::uint32_t buckets = 1u << bucket_bits;
  const int shift = slice_bits_ - bucket_bits + index_bits_;
  make_room(bucket_, buckets);
  const std::uint32_t largest =
      kernels_->scatter_keys(key_.data(), n, shift, buckets, bucket_.data(), sorted_.data());
  if (largest > large_bucket) sort_large_buckets(buckets);
  kernels_->insert_keys(sorted_.data(), n);
}

void Merger::sort_large_buckets(std::uint32_t buckets) {
  std::uint32_t begin = 0;
  for (std::uint32_t b = 0; b < buckets; ++b) {
    const std::uint32_t end = bucket_[b];
    if (end - begin > large_bucket) {
      const auto first = sorted_.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last = sorted_.begin() + static_cast<std::ptrdiff_t>(end);
      // A burst of one client alone is in order already.
      if (!std::is_sorted(first, last)) std::sort(first, last);
    }
    begin = end;
  }
}

// For slices so long that time and index do not fit a word together (a window of many days with many requests
// a slice): `sorted_` then holds the index alone and `key_` the time.
void Merger::sort_by_comparison() {
  std::vector<std::uint32_t> order(rows_);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return time_[a] < time_[b]; });
  for (std::size_t i = 0; i < rows_; ++i) {
    sorted_[i] = order[i];
    key_[i] = static_cast<std::uint64_t>(time_[order[i]] - base_);
  }
}

void Merger::emit(const MergeRange& range, Columns& out, Column<std::uint32_t>* prompts) {
  const auto n = static_cast<std::uint32_t>(rows_);
  const std::size_t at = out.timestamp.size();
  const std::int64_t base = range.window_start_ns + base_;
  out.timestamp.resize(at + n);
  if (packed_) {
    kernels_->seconds(sorted_.data(), n, index_bits_, base, out.timestamp.data() + at);
  } else {
    kernels_->seconds(key_.data(), n, 0, base, out.timestamp.data() + at);
  }
  const auto gather = [&](const Column<std::uint32_t>& from, Column<std::uint32_t>& to) {
    to.resize(at + n);
    kernels_->gather(from.data(), sorted_.data(), n, index_bits_, to.data() + at);
  };
  gather(client_, out.client_id);
  gather(fields_.column[RequestColumn::input], out.input_tokens);
  gather(fields_.column[RequestColumn::output], out.output_tokens);
  if (category_ == Category::reason) gather(fields_.column[RequestColumn::reason], out.reason_tokens);
  if (prompts != nullptr && templates_ != nullptr) {
    const std::size_t before = prompts->size();
    prompts->resize(before + n);
    kernels_->gather(fields_.column[RequestColumn::prompt].data(), sorted_.data(), n, index_bits_,
                     prompts->data() + before);
  }
  if (category_ != Category::multimodal) return;
  gather(fields_.column[RequestColumn::text], out.text_tokens);
  const auto lists = item_lists(out);
  for (std::size_t kind = 0; kind < lists.size(); ++kind) emit_items(kind, n, *lists[kind]);
}

void Merger::emit_items(std::size_t kind, std::uint32_t n, ListColumn& out) {
  const std::uint64_t mask = (std::uint64_t{1} << index_bits_) - 1;
  const auto& begin = fields_.column[RequestColumn::begin(kind)];
  const auto& count = fields_.column[RequestColumn::count(kind)];
  if (out.offsets.empty()) out.offsets.push_back(0);
  std::size_t total = out.values.size();
  for (std::uint32_t i = 0; i < n; ++i) total += count[sorted_[i] & mask];
  check_items(total);
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::size_t row = sorted_[i] & mask;
    const auto first = items_[kind].begin() + static_cast<std::ptrdiff_t>(begin[row]);
    out.values.insert(out.values.end(), first, first + static_cast<std::ptrdiff_t>(count[row]));
    out.offsets.push_back(static_cast<std::int32_t>(out.values.size()));
  }
}

}  // namespace tracetide
