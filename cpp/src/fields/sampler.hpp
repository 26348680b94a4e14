// Draws the values of one field from one distribution.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "distributions/alias_table.hpp"
#include "distributions/quantile_table.hpp"
#include "kernels/kernels.hpp"
#include "tracetide/job.hpp"

namespace tracetide {

/// Tables of one distribution, for independent draws (alias) or draws by rank (quantile).
class Sampler {
 public:
  Sampler(const Distribution& distribution, Coupling coupling);

  /// Whole-number draws from random words. `scratch` has room for n values.
  void tokens(const Kernels& kernels, const std::uint32_t* words, std::uint32_t n, double* scratch,
              std::uint32_t* out) const;
  /// Real draws. `positions` has room for n values.
  void reals(const Kernels& kernels, const std::uint32_t* words, std::uint32_t n, std::uint32_t* positions,
             double* out) const;

 private:
  void positions_or_values(const Kernels& kernels, const std::uint32_t* words, std::uint32_t n,
                           std::uint32_t* out) const;

  DistributionKind kind_;
  bool by_rank_;
  AliasTable alias_;
  QuantileTable quantile_;
  std::span<const double> reals_;  // real_pmf: values; quantiles: knots; they belong to the profile
  double minimum_;
  double maximum_;
};

/// The samplers of a profile, each made when it is first needed. Thread-safe.
class SamplerCache {
 public:
  SamplerCache(const Profile& profile, Coupling coupling);
  [[nodiscard]] const Sampler& get(std::uint32_t distribution) const;

 private:
  struct Slot {
    std::once_flag once;
    std::unique_ptr<Sampler> sampler;
  };
  Profile profile_;
  Coupling coupling_;
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace tracetide
