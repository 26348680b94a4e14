// Brings the arrivals of many clients into time order and fills their fields.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fields/request_fields.hpp"
#include "prompts/prompt_templates.hpp"
#include "tracetide/batch.hpp"

namespace tracetide {

/// The arrivals of one client in the range that is merged: ascending times, in ns from the window's start.
struct ClientRun {
  std::uint32_t client = 0;
  std::uint64_t first_rank = 0;  ///< rank of the first in the client's window
  std::size_t begin = 0;         ///< into the array of times
  std::size_t end = 0;
};

/// A piece of a window of the job.
struct MergeRange {
  std::int64_t from_ns = 0;  ///< in the window
  std::int64_t to_ns = 0;
  std::int64_t window_start_ns = 0;  ///< from the job's start
  std::uint32_t window = 0;          ///< number in the random streams
  std::uint32_t epoch = 0;
};

/// Reusable; one per thread. Works in slices of time of about `slice_rows` requests, so that what is moved
/// at random stays in the second-level cache.
///
/// A client with many requests a slice (busy) has its fields made slice by slice, where they are needed. The
/// others (sparse) are made for the whole range at once, as a random stream cannot be entered cheaply for one
/// or two values, and dealt out to the slices by a counting pass; so the cost of a slice does not
/// depend on how many clients there are.
class Merger {
 public:
  Merger(const Profile& profile, const SamplerCache& samplers, Coupling coupling, const Copula& copula,
         std::uint64_t seed, const Kernels& kernels, const PromptTemplates& templates);

  /// Appends the requests of `runs` (ascending clients) to `out` in order of (time, client, rank), and to
  /// `prompts`, unless it is null or there are no templates, what each begins with.
  void merge(const MergeRange& range, std::span<const ClientRun> runs, std::span<const std::int64_t> times,
             Columns& out, Column<std::uint32_t>* prompts);

 private:
  struct Sparse {
    Column<std::int64_t> time;
    Column<std::uint32_t> client;
    RequestTable fields;
  };

  void make_sparse(const MergeRange& range, std::span<const ClientRun> runs,
                   std::span<const std::int64_t> times);
  void deal_sparse(std::size_t slices);
  std::size_t slice_of(std::int64_t time) const noexcept {
    return static_cast<std::size_t>((time - from_) >> slice_bits_);
  }
  void assemble(const MergeRange& range, std::span<const std::int64_t> times, std::size_t slice);
  void fill(const RequestRun& run, std::size_t n, RequestTable& table, std::size_t at);
  void resize(RequestTable& table, std::size_t rows) const;
  template <class Visit>
  void for_each_column(Visit&& visit) const;
  void append(std::uint32_t client, const std::int64_t* times, std::uint32_t n);
  void append_sparse(std::size_t first, std::size_t last);
  void sort_slice(std::int64_t base);
  void sort_keys();
  void sort_large_buckets(std::uint32_t buckets);
  void sort_by_comparison();
  void emit(const MergeRange& range, Columns& out, Column<std::uint32_t>* prompts);
  void emit_items(std::size_t kind, std::uint32_t n, ListColumn& out);

  Category category_;
  const Kernels* kernels_;
  RequestFields request_fields_;
  std::uint64_t seed_;
  const PromptTemplates* templates_;  // null where nothing begins with one

  std::int64_t from_ = 0;
  int slice_bits_ = 0;  // a slice is 2^slice_bits_ ns long

  std::vector<ClientRun> busy_;
  Sparse sparse_;
  Sparse dealt_;
  std::vector<std::size_t> sparse_end_;  // per slice
  std::vector<std::size_t> next_place_;
  Column<std::uint32_t> place_;  // of every sparse request among the dealt ones
  ItemArena items_;

  // One slice.
  std::size_t rows_ = 0;
  Column<std::int64_t> time_;
  Column<std::uint32_t> client_;
  RequestTable fields_;
  Column<std::uint64_t> key_;
  Column<std::uint64_t> sorted_;
  Column<std::uint32_t> bucket_;
  int index_bits_ = 0;
  bool packed_ = true;
  std::int64_t base_ = 0;
};

}  // namespace tracetide
