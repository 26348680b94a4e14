#include "distributions/alias_table.hpp"
#include "distributions/law_model.hpp"
#include "distributions/pmf.hpp"

namespace tracetide::laws {
namespace {

class AliasModel final : public BlockLaw {
 public:
  AliasModel(std::shared_ptr<const Pmf::Table> pmf, ValueType type) : BlockLaw(type), pmf_(std::move(pmf)) {
    Pmf::Table::Drawn drawn = pmf_->drawn(type);
    table_ = make_alias_table(drawn.numbers, drawn.probabilities);
    reals_ = std::move(drawn.reals);
  }

  [[nodiscard]] double mean() const override { return pmf_->mean; }
  [[nodiscard]] double cdf(double x) const noexcept override { return pmf_->cdf(x); }
  std::uint32_t block(const Origin& origin, std::uint64_t number, void* out) const noexcept override {
    constexpr std::uint64_t groups = block_size / words_per_group;
    std::uint32_t words[block_size];
    std::uint32_t positions[block_size];
    const bool whole = type() == ValueType::uint32;
    std::uint32_t* const drawn = whole ? static_cast<std::uint32_t*>(out) : positions;
    origin.kernels.fill_u32(origin.key(Purpose::sampler), number * groups, groups, words);
    const auto draw = table_.wide ? origin.kernels.draw_alias_wide : origin.kernels.draw_alias;
    draw(table_.cells.data(), table_.size, table_.base, words, block_size, drawn);
    if (!whole) origin.kernels.look_up(reals_.data(), positions, block_size, static_cast<double*>(out));
    return block_size;
  }

 private:
  std::shared_ptr<const Pmf::Table> pmf_;
  tracetide::AliasTable table_{};
  std::vector<double> reals_{};
};

}  // namespace

AliasTable::AliasTable(std::shared_ptr<const Table> table, ValueType type)
    : Pmf(std::make_shared<AliasModel>(table, type), table) {}
AliasTable::AliasTable(std::span<const std::uint32_t> values, std::span<const double> probabilities)
    : AliasTable(make_pmf(values, probabilities), ValueType::uint32) {}
AliasTable::AliasTable(std::span<const double> values, std::span<const double> probabilities)
    : AliasTable(make_pmf(values, probabilities), ValueType::float64) {}

}  // namespace tracetide::laws
