#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/access.hpp"
#include "distributions/alias_table.hpp"
#include "distributions/law_model.hpp"
#include "distributions/parameters.hpp"

namespace tracetide::laws {
namespace {

class MixtureModel final : public LawModel {
 public:
  MixtureModel(std::vector<Law> components, std::vector<double> weights, ValueType type)
      : LawModel(type), components_(std::move(components)), weights_(std::move(weights)) {
    std::vector<std::uint32_t> positions(components_.size());
    std::iota(positions.begin(), positions.end(), 0u);
    table_ = make_alias_table(positions, weights_);
  }

  [[nodiscard]] double mean() const override {
    double mean = 0;
    for (std::size_t i = 0; i < components_.size(); ++i) {
      if (weights_[i] > 0) mean += weights_[i] * components_[i].mean();
    }
    return mean;
  }
  [[nodiscard]] double cdf(double x) const noexcept override {
    double sum = 0;
    for (std::size_t i = 0; i < components_.size(); ++i) sum += weights_[i] * components_[i].cdf(x);
    return std::fmin(sum, 1.0);
  }
  [[nodiscard]] std::uint32_t nodes() const noexcept override {
    std::uint32_t nodes = 1;
    for (const Law& component : components_) nodes += Access::model(component).nodes();
    return nodes;
  }
  [[nodiscard]] std::unique_ptr<Source> source(const Origin& origin) const override;

  [[nodiscard]] const std::vector<Law>& components() const noexcept { return components_; }
  [[nodiscard]] const tracetide::AliasTable& table() const noexcept { return table_; }

 private:
  std::vector<Law> components_;
  std::vector<double> weights_;
  tracetide::AliasTable table_;
};

// Chunk by chunk: which component gives each value, how many each gives, those, and then each in its place.
class MixtureSource final : public Source {
 public:
  MixtureSource(const MixtureModel& law, const Origin& origin)
      : law_(law), origin_(origin), size_(size_of(law.type())), places_(law.components().size() + 1) {
    std::uint32_t node = origin.node + 1;
    for (const Law& component : law.components()) {
      sources_.push_back(Access::model(component).source({origin.kernels, origin.seed, origin.stream, node}));
      node += Access::model(component).nodes();
    }
  }

  void next(void* out, std::size_t n) override {
    auto* at = static_cast<std::byte*>(out);
    while (n > 0) {
      if (begin_ == chunk) choose();
      const auto taken = static_cast<std::uint32_t>(std::min<std::size_t>(n, chunk - begin_));
      size_ == sizeof(double) ? draw<double>(taken, at) : draw<std::uint32_t>(taken, at);
      begin_ += taken;
      at += taken * size_;
      n -= taken;
    }
  }

 private:
  static constexpr std::uint32_t chunk = 4096;

  void choose() {
    constexpr std::uint64_t groups = chunk / words_per_group;
    const tracetide::AliasTable& table = law_.table();
    std::uint32_t words[chunk];
    origin_.kernels.fill_u32(origin_.key(Purpose::sampler), chunk_ * groups, groups, words);
    const auto draw = table.wide ? origin_.kernels.draw_alias_wide : origin_.kernels.draw_alias;
    draw(table.cells.data(), table.size, table.base, words, chunk, chosen_);
    ++chunk_;
    begin_ = 0;
  }

  // int64 values are moved as the 8 bytes they are.
  template <class T>
  void draw(std::uint32_t n, std::byte* out) {
    const std::uint32_t* const chosen = chosen_ + begin_;
    std::ranges::fill(places_, 0u);
    for (std::uint32_t i = 0; i < n; ++i) ++places_[chosen[i] + 1];
    auto* const values = reinterpret_cast<T*>(values_);
    std::uint32_t first = 0;
    for (std::size_t c = 0; c < sources_.size(); ++c) {
      const std::uint32_t count = places_[c + 1];
      places_[c] = first;
      if (count > 0) fill(c, count, values + first);
      first += count;
    }
    auto* const to = reinterpret_cast<T*>(out);
    for (std::uint32_t i = 0; i < n; ++i) to[i] = values[places_[chosen[i]]++];
  }

  template <class T>
  void fill(std::size_t component, std::uint32_t n, T* out) {
    const ValueType type = law_.components()[component].value_type();
    if (type == law_.type()) {
      sources_[component]->next(out, n);
    } else if (type == ValueType::uint32) {
      std::uint32_t whole[chunk];
      sources_[component]->next(whole, n);
      for (std::uint32_t i = 0; i < n; ++i) out[i] = static_cast<T>(whole[i]);
    } else {
      std::int64_t whole[chunk];
      sources_[component]->next(whole, n);
      for (std::uint32_t i = 0; i < n; ++i) out[i] = static_cast<T>(whole[i]);
    }
  }

  const MixtureModel& law_;
  Origin origin_;
  std::size_t size_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::uint32_t> places_;
  std::uint64_t chunk_ = 0;
  std::uint32_t begin_ = chunk;  // what is left of the last chunk of choices
  std::uint32_t chosen_[chunk];
  alignas(8) std::byte values_[chunk * sizeof(double)];
};

std::unique_ptr<Source> MixtureModel::source(const Origin& origin) const {
  return std::make_unique<MixtureSource>(*this, origin);
}

std::shared_ptr<const LawModel> make_mixture(const std::vector<std::pair<double, Law>>& components) {
  if (components.empty()) refuse("components", "an empty list", "at least one law");
  double sum = 0;
  std::vector<Law> laws;
  std::vector<double> weights;
  ValueType type = components.front().second.value_type();
  for (const auto& [weight, law] : components) {
    sum += not_negative("weights", weight);
    weights.push_back(weight);
    laws.push_back(law);
    if (law.value_type() != type) type = ValueType::float64;
  }
  if (!(sum >= 1e-9 && sum <= 1e9)) refuse("weights", "a sum of " + number_text(sum), "from 1e-9 to 1e9");
  for (double& weight : weights) weight /= sum;
  return std::make_shared<MixtureModel>(std::move(laws), std::move(weights), type);
}

}  // namespace

Mixture::Mixture(const std::vector<std::pair<double, Law>>& components) : Law(make_mixture(components)) {}

}  // namespace tracetide::laws
