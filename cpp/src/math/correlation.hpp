// Correlation matrices of normal variates, the same bits on every machine.
#pragma once

#include <cstddef>
#include <span>

namespace tracetide {

/// The correlation of two normal variates whose Spearman correlation is `spearman`:
/// 2 sin(pi spearman / 6) (Kruskal, "Ordinal measures of association", 1958).
[[nodiscard]] double normal_correlation(double spearman) noexcept;

/// Replaces a symmetric n x n matrix (in rows; only what lies on and below the diagonal is read) by the lower
/// triangular L with L L^T = matrix. False if it is not positive definite, to within 1e-9 of a variance.
[[nodiscard]] bool cholesky(std::span<double> matrix, std::size_t n) noexcept;

}  // namespace tracetide
