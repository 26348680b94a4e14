// Fills the fields of requests: lengths, reasoning, items.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "fields/copula.hpp"
#include "fields/persistence.hpp"
#include "fields/sampler.hpp"
#include "kernels/kernels.hpp"
#include "tracetide/column.hpp"
#include "tracetide/job.hpp"

namespace tracetide {

inline constexpr std::size_t item_kinds = 3;  ///< image, audio, video

/// Positions of the columns of a RequestTable. Language has the first two; reason adds `reason`;
/// multimodal adds `text` and, per kind of item, where its items begin in the arena and how many they are.
struct RequestColumn {
  static constexpr std::size_t input = 0;
  static constexpr std::size_t output = 1;
  static constexpr std::size_t reason = 2;
  static constexpr std::size_t text = 2;
  static constexpr std::size_t first_kind = 3;
  static constexpr std::size_t prompt = 9;  ///< with hash ids only: in PromptTemplates
  static constexpr std::size_t most = 10;
  static constexpr std::size_t begin(std::size_t kind) { return first_kind + 2 * kind; }
  static constexpr std::size_t count(std::size_t kind) { return first_kind + 2 * kind + 1; }
  static constexpr std::size_t number(Category category) {
    return category == Category::language ? 2 : category == Category::reason ? 3 : prompt;
  }
};

/// Fields of requests as columns, in no particular order.
struct RequestTable {
  std::array<Column<std::uint32_t>, RequestColumn::most> column{};
  void resize(Category category, std::size_t rows) {
    for (std::size_t i = 0; i < RequestColumn::number(category); ++i) column[i].resize(rows);
  }
};

/// Tokens of the items of requests, by kind.
using ItemArena = std::array<Column<std::uint32_t>, item_kinds>;

/// Which requests: ranks first_rank .. first_rank + n - 1 of a client in a window.
struct RequestRun {
  std::uint32_t client = 0;
  std::uint32_t window = 0;  ///< number in the random streams
  std::uint32_t epoch = 0;
  std::uint64_t first_rank = 0;
  const LastingTurns* turns = nullptr;  ///< null: fields of different requests are independent
};

/// Reusable; one per thread.
class RequestFields {
 public:
  RequestFields(const Profile& profile, const SamplerCache& samplers, Coupling coupling, const Copula& copula,
                std::uint64_t seed, const Kernels& kernels);

  /// Writes n rows of `table` from row `at` on.
  void fill(const RequestRun& run, std::size_t n, RequestTable& table, std::size_t at, ItemArena& items);

 private:
  static constexpr std::uint32_t chunk = 2048;
  static constexpr std::uint32_t normal_row = chunk + 2 * gaps_per_unit;

  /// The ranks of fields of the run that are correlated or last, by position of the field. `factor` is null
  /// if none is correlated.
  void draw_ranks(const RequestRun& run, const CopulaFactor* factor, std::uint32_t n);
  /// Mixes what lasts along sessions into the normal variates of a field; `lasting` is room for as many.
  void mix_lasting(const RequestRun& run, std::size_t field, std::uint32_t n, double* lasting,
                   double* normals);
  void pass_sessions(const LastingTurns& turns, std::uint32_t n);
  void fill_chunk(const RequestRun& run, std::uint32_t n, RequestTable& table, std::size_t at,
                  ItemArena& items);
  const std::uint32_t* words(const RequestRun& run, Purpose purpose, Field field, std::uint32_t n,
                             std::vector<std::uint32_t>& out);
  void draw_items(const RequestRun& run, Field field, std::size_t kind, const Sampler& sampler,
                  std::uint32_t n, RequestTable& table, std::size_t at, ItemArena& items);
  void sum_input(std::uint32_t n, RequestTable& table, std::size_t at, const ItemArena& items) const;

  Profile profile_;
  const SamplerCache* samplers_;
  Coupling coupling_;
  const Copula* copula_;
  std::uint64_t seed_;
  const Kernels* kernels_;
  std::vector<std::uint32_t> words_;
  std::vector<std::uint32_t> place_words_;
  std::vector<std::uint32_t> rank_words_;  // comonotonic: one row; copula: a row of `chunk` a field
  std::vector<double> normals_;            // copula: a row of normal_row a field, and two more
  std::vector<std::uint32_t> positions_;
  std::vector<double> reals_;

  // Where a run of sessions is.
  std::size_t row_ = 0;
  std::size_t session_ = 0;
  std::size_t session_begin_ = 0;
  std::array<double, CopulaFactor::most> lasting_{};  // h of the row before, by position of the field
};

}  // namespace tracetide
