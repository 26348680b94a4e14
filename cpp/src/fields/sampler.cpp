#include "fields/sampler.hpp"

#include <algorithm>
#include <numeric>

namespace tracetide {

namespace {

std::vector<std::uint32_t> widths(const Distribution& bins) {
  const auto first = bins.integer_values;
  std::vector<std::uint32_t> width;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const double end = i + 1 < first.size() ? first[i + 1] : bins.maximum + 1;
    // A bin of 2^32 numbers is taken for one of 2^32 - 1.
    width.push_back(static_cast<std::uint32_t>(std::min(end - first[i], 4294967295.0)));
  }
  if (std::ranges::all_of(width, [](std::uint32_t w) { return w == 1; })) width.clear();
  return width;
}

}  // namespace

Sampler::Sampler(const Distribution& distribution, Draw draw)
    : kind_(distribution.kind),
      draw_(draw),
      reals_(distribution.real_values),
      first_(distribution.integer_values),
      minimum_(distribution.minimum),
      maximum_(distribution.maximum) {
  if (kind_ == DistributionKind::quantiles) return;
  std::vector<std::uint32_t> positions;
  std::span<const std::uint32_t> values = distribution.integer_values;
  if (kind_ == DistributionKind::bins) width_ = widths(distribution);
  if (kind_ == DistributionKind::real_pmf || needs_place()) {
    positions.resize(distribution.probabilities.size());
    std::iota(positions.begin(), positions.end(), 0u);
    values = positions;
  }
  if (draw_ == Draw::rank) {
    quantile_ = make_quantile_table(values, distribution.probabilities);
  } else {
    alias_ = make_alias_table(values, distribution.probabilities);
  }
}

void Sampler::positions_or_values(const Kernels& kernels, const std::uint32_t* words, std::uint32_t n,
                                  std::uint32_t* out) const {
  if (draw_ == Draw::rank) {
    kernels.draw_quantile(quantile_.values.data(), quantile_.cumulative.data(), quantile_.guide.data(),
                          quantile_.size, words, n, out);
  } else {
    const auto draw = alias_.wide ? kernels.draw_alias_wide : kernels.draw_alias;
    draw(alias_.cells.data(), alias_.size, alias_.base, words, n, out);
  }
}

void Sampler::tokens(const Kernels& kernels, const std::uint32_t* words, const std::uint32_t* places,
                     std::uint32_t n, double* scratch, std::uint32_t* out) const {
  if (kind_ == DistributionKind::integer_pmf || kind_ == DistributionKind::bins) {
    positions_or_values(kernels, words, n, out);
    if (needs_place()) kernels.place_in_bins(first_.data(), width_.data(), places, n, out);
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

SamplerCache::SamplerCache(const Profile& profile)
    : profile_(profile), slots_(std::make_unique<Slot[]>(2 * std::size_t{profile.distributions()})) {}

const Sampler& SamplerCache::get(std::uint32_t distribution, Draw draw) const {
  Slot& slot = slots_[2 * std::size_t{distribution} + static_cast<std::size_t>(draw)];
  std::call_once(slot.once, [&] {
    slot.sampler = std::make_unique<Sampler>(profile_.distribution(distribution), draw);
  });
  return *slot.sampler;
}

}  // namespace tracetide
