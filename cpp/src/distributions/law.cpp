#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "distributions/law_model.hpp"

namespace tracetide::laws {
namespace {

class BlockSource final : public Source {
 public:
  BlockSource(const BlockLaw& law, const Origin& origin) noexcept
      : law_(law), origin_(origin), size_(size_of(law.type())) {}

  void next(void* out, std::size_t n) override {
    auto* at = static_cast<std::byte*>(out);
    while (n > 0) {
      if (begin_ == end_ && n >= BlockLaw::block_size) {
        const std::size_t made = law_.block(origin_, block_++, at);
        at += made * size_;
        n -= made;
        continue;
      }
      if (begin_ == end_) {
        begin_ = 0;
        end_ = law_.block(origin_, block_++, buffer_);
      }
      const std::size_t taken = std::min(n, end_ - begin_);
      std::memcpy(at, buffer_ + begin_ * size_, taken * size_);
      begin_ += taken;
      at += taken * size_;
      n -= taken;
    }
  }

 private:
  const BlockLaw& law_;
  Origin origin_;
  std::size_t size_;
  std::uint64_t block_ = 0;
  std::size_t begin_ = 0;  // what is left of the last block
  std::size_t end_ = 0;
  alignas(64) std::byte buffer_[BlockLaw::block_size * sizeof(double)];
};

constexpr std::size_t values_between_polls = std::size_t{1} << 16;

const char* text(ValueType type) noexcept {
  switch (type) {
    case ValueType::float64:
      return "float64";
    case ValueType::uint32:
      return "uint32";
    case ValueType::int64:
      break;
  }
  return "int64";
}

}  // namespace

std::unique_ptr<Source> BlockLaw::source(const Origin& origin) const {
  return std::make_unique<BlockSource>(*this, origin);
}

ValueType Law::value_type() const noexcept { return model_->type(); }
double Law::mean() const { return model_->mean(); }
double Law::cdf(double x) const noexcept { return std::isnan(x) ? x : model_->cdf(x); }

template <class T>
void Law::fill(std::span<T> out, ValueType type, const SampleOptions& options) const {
  if (type != value_type()) {
    throw std::invalid_argument(std::string("out: ") + text(type) +
                                " is not allowed; the values of this law are " + text(value_type()));
  }
  const auto source = model_->source({kernels_for(options.kernels), options.seed, options.stream, 0});
  for (std::size_t done = 0; done < out.size();) {
    if (options.poll) options.poll();
    const std::size_t n = std::min(values_between_polls, out.size() - done);
    source->next(out.data() + done, n);
    done += n;
  }
}

void Law::sample(std::span<double> out, const SampleOptions& options) const {
  fill(out, ValueType::float64, options);
}
void Law::sample(std::span<std::uint32_t> out, const SampleOptions& options) const {
  fill(out, ValueType::uint32, options);
}
void Law::sample(std::span<std::int64_t> out, const SampleOptions& options) const {
  fill(out, ValueType::int64, options);
}

}  // namespace tracetide::laws
