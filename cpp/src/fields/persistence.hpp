// Fields of a session's turns that stay much the same along it.
//
// A field's value has the rank of a normal variate; that of turn k is z_k = sqrt(a) h_k + sqrt(1 - a) e_k,
// where e_k is what a request that stands alone would have (with a copula: the field's own variate, before
// those of other fields are mixed in) and h is an autoregression of order 1 that starts anew, from its
// stationary law, in every session. So z_k is standard normal in every turn and independent of the other
// fields' z_k: values have the very law of the field, and the correlations of a request are the copula's. The
// autocorrelation of z at distance k is a phi^k; with a copula a field has the squared weights' mean of those
// of the fields that are mixed into it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fields/copula.hpp"

namespace tracetide {

/// Weights of one field; those of a field that does not last make z = e.
struct LastingField {
  double lasting = 0;  ///< sqrt(a), of h
  double fresh = 1;    ///< sqrt(1 - a), of e
  double memory = 0;   ///< phi, of the h before
  double renewal = 1;  ///< sqrt(1 - phi^2)
};
/// By position in fields_of(category).
using LastingFields = std::array<LastingField, CopulaFactor::most>;

/// Requests that are the turns of one session: from the end of the one before, up to `end`.
struct TurnsOfSession {
  const LastingFields* fields = nullptr;
  std::size_t end = 0;
};

/// The sessions that a run of requests is, one after the other.
struct LastingTurns {
  std::uint32_t fields = 0;  ///< bit i: the field at position i lasts, in some of them at least
  std::span<const TurnsOfSession> sessions{};
  NormalTable table{};

  [[nodiscard]] bool has(std::size_t field) const noexcept { return (fields >> field & 1) != 0; }
};

/// What the models of sessions of a profile say of it.
class Persistence {
 public:
  explicit Persistence(const Profile& profile);

  /// Fields that last in sessions of a model or of sub-agents that it leads to, as LastingTurns has them.
  [[nodiscard]] std::uint32_t fields(std::uint32_t model) const noexcept {
    return reached_.empty() ? 0 : reached_[model];
  }
  /// Of the sessions of a model alone; only where any model has such fields.
  [[nodiscard]] const LastingFields& of(std::uint32_t model) const noexcept { return models_[model]; }
  [[nodiscard]] NormalTable table() const noexcept { return {table_.data()}; }

 private:
  std::vector<std::uint32_t> reached_{};  // by model, as the following; empty: nothing lasts
  std::vector<LastingFields> models_{};
  std::vector<double> table_{};
};

}  // namespace tracetide
