#include "fields/sampler.hpp"

#include <numeric>

namespace tracetide {

Sampler::Sampler(const Distribution& distribution, Coupling coupling)
    : kind_(distribution.kind),
      by_rank_(coupling == Coupling::comonotonic),
      reals_(distribution.real_values),
      minimum_(distribution.minimum),
      maximum_(distribution.maximum) {
  if (kind_ == DistributionKind::quantiles) return;
  std::vector<std::uint32_t> positions;
  std::span<const std::uint32_t> values = distribution.integer_values;
  if (kind_ == DistributionKind::real_pmf) {
    positions.resize(reals_.size());
    std::iota(positions.begin(), positions.end(), 0u);
    values = positions;
  }
  if (by_rank_) {
    quantile_ = make_quantile_table(values, distribution.probabilities);
  } else {
    alias_ = make_alias_table(values, distribution.probabilities);
  }
}

void Sampler::positions_or_values(const Kernels& kernels, const std::uint32_t* words, std::uint32_t n,
                                  std::uint32_t* out) const {
  if (by_rank_) {
    kernels.draw_quantile(quantile_.values.data(), quantile_.cumulative.data(), quantile_.guide.data(),
                          quantile_.size, words, n, out);
  } else {
    const auto draw = alias_.wide ? kernels.draw_alias_wide : kernels.draw_alias;
    draw(alias_.cells.data(), alias_.size, alias_.base, words, n, out);
  }
}

void Sampler::tokens(const Kernels& kernels, const std::uint32_t* words, std::uint32_t n, double* scratch,
                     std::uint32_t* out) const {
  if (kind_ == DistributionKind::integer_pmf) {
    positions_or_values(kernels, words, n, out);
    return;
  }
  reals(kernels, words, n, out, scratch);
  kernels.round_tokens(scratch, n, minimum_, maximum_, out);
}

void Sampler::reals(const Kernels& kernels, const std::uint32_t* words, std::uint32_t n,
                    std::uint32_t* positions, double* out) const {
  if (kind_ == DistributionKind::quantiles) {
    kernels.draw_interpolated(reals_.data(), static_cast<std::uint32_t>(reals_.size()), words, n, out);
    return;
  }
  positions_or_values(kernels, words, n, positions);
  if (kind_ == DistributionKind::real_pmf) {
    kernels.look_up(reals_.data(), positions, n, out);
  } else {
    for (std::uint32_t i = 0; i < n; ++i) out[i] = positions[i];
  }
}

SamplerCache::SamplerCache(const Profile& profile, Coupling coupling)
    : profile_(profile), coupling_(coupling), slots_(std::make_unique<Slot[]>(profile.distributions())) {}

const Sampler& SamplerCache::get(std::uint32_t distribution) const {
  Slot& slot = slots_[distribution];
  std::call_once(slot.once, [&] {
    slot.sampler = std::make_unique<Sampler>(profile_.distribution(distribution), coupling_);
  });
  return *slot.sampler;
}

}  // namespace tracetide
