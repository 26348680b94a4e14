// What a law draws with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/kernels.hpp"
#include "tracetide/distributions.hpp"
#include "tracetide/random.hpp"

namespace tracetide::laws {

/// Where the random words of one law of a sample come from.
struct Origin {
  const Kernels& kernels;
  std::uint64_t seed;
  std::uint32_t stream;
  std::uint32_t node;

  [[nodiscard]] StreamKey key(Purpose purpose) const noexcept {
    return {seed, stream, node, static_cast<std::uint8_t>(purpose)};
  }
};

/// The values of a law, one after the other.
class Source {
 public:
  virtual ~Source() = default;
  /// The next `n` values, of the law's value type.
  virtual void next(void* out, std::size_t n) = 0;
};

class LawModel {
 public:
  explicit LawModel(ValueType type) noexcept : type_(type) {}
  virtual ~LawModel() = default;

  [[nodiscard]] ValueType type() const noexcept { return type_; }
  [[nodiscard]] virtual double mean() const = 0;
  /// P(X <= x) for any x but NaN, without the C library's functions.
  [[nodiscard]] virtual double cdf(double x) const noexcept = 0;
  /// How many laws it is made of, itself included.
  [[nodiscard]] virtual std::uint32_t nodes() const noexcept { return 1; }
  /// The source refers to the model.
  [[nodiscard]] virtual std::unique_ptr<Source> source(const Origin& origin) const = 0;

 private:
  ValueType type_;
};

/// A law whose candidates are made in blocks, each on its own.
class BlockLaw : public LawModel {
 public:
  static constexpr std::uint32_t block_size = gaps_per_block;

  using LawModel::LawModel;
  /// The accepted candidates of block `number`, in order; returns how many. `out` has room for all.
  virtual std::uint32_t block(const Origin& origin, std::uint64_t number, void* out) const noexcept = 0;
  [[nodiscard]] std::unique_ptr<Source> source(const Origin& origin) const override;
};

[[nodiscard]] constexpr std::size_t size_of(ValueType type) noexcept {
  return type == ValueType::uint32 ? sizeof(std::uint32_t) : sizeof(double);
}

}  // namespace tracetide::laws
