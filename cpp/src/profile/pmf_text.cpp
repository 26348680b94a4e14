#include "profile/pmf_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include "base/message.hpp"
#include "profile/decimal_number.hpp"
#include "profile/json_text.hpp"

namespace tracetide {

namespace {

struct IntegerValue {
  using Type = std::uint32_t;
  static constexpr const char* allowed = "a whole number from 0 to 4294967295";
  /// One past the number, or nullptr.
  static const char* parse(const char* first, const char* last, Type& value) {
    const auto [end, error] = std::from_chars(first, last, value);
    const bool leading_zero = *first == '0' && end - first > 1;  // no literal in Python either
    return error == std::errc{} && !leading_zero ? end : nullptr;
  }
};

struct RatioValue {
  using Type = double;
  static constexpr const char* allowed = "a number from 0 to 1";
  static const char* parse(const char* first, const char* last, Type& value) {
    const char* const end = read_decimal(first, last, value);
    return value >= 0 && value <= 1 ? end : nullptr;
  }
};

template <typename Value>
class PmfParser {
 public:
  using Type = typename Value::Type;

  PmfParser(std::string_view text, std::vector<Type>& values, std::vector<double>& probabilities)
      : begin_(text.data()),
        at_(text.data()),
        end_(text.data() + text.size()),
        values_(values),
        probabilities_(probabilities),
        first_(values.size()),
        first_probability_(probabilities.size()) {}

  void parse() {
    expect('{');
    if (!take('}')) {
      do {
        parse_entry();
      } while (take(','));
      expect('}');
    }
    skip_spaces();
    if (at_ != end_) fail("text after the closing '}': " + rest());
    if (values_.size() > first_) finish();
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw TextError("not a PMF: " + message, static_cast<std::size_t>(at_ - begin_));
  }

  [[nodiscard]] std::string rest() const {
    if (at_ == end_) return "the end of the text";
    return excerpt({at_, static_cast<std::size_t>(end_ - at_)});
  }
  /// What stands where a number should, up to the next separator.
  [[nodiscard]] std::string token() const {
    const char* const stop = std::find_if(at_, end_, [](char c) { return c == ',' || c == ':' || c == '}'; });
    return stop == at_ ? rest() : excerpt({at_, static_cast<std::size_t>(stop - at_)});
  }

  void skip_spaces() noexcept {
    while (at_ != end_ && *at_ == ' ') ++at_;
  }
  bool take(char c) noexcept {
    skip_spaces();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(std::string("'") + c + "' expected, found " + rest());
  }

  void parse_entry() {
    skip_spaces();
    Type value{};
    const char* const value_end = at_ == end_ ? nullptr : Value::parse(at_, end_, value);
    constexpr std::string_view may_follow = ": ,}";  // more than is allowed, for the better message below
    if (value_end == nullptr || (value_end != end_ && may_follow.find(*value_end) == may_follow.npos)) {
      fail("value " + token() + "; allowed: " + Value::allowed);
    }
    at_ = value_end;
    expect(':');
    skip_spaces();
    double probability = 0;
    const char* const probability_end = read_decimal(at_, end_, probability);
    // Written so that NaN fails.
    if (probability_end == nullptr || !(probability >= 0 && probability <= 1 + pmf_sum_tolerance)) {
      fail("probability " + token() + " of value " + number_text(static_cast<double>(value)) +
           "; allowed: a number from 0 to 1");
    }
    at_ = probability_end;
    ascending_ &= values_.size() == first_ || values_.back() < value;
    has_zero_ |= probability == 0;
    sum_ += probability;
    values_.push_back(value);
    probabilities_.push_back(probability);
  }

  void finish() {
    if (!ascending_) sort();
    if (!(std::fabs(sum_ - 1) <= pmf_sum_tolerance)) {
      fail("its probabilities sum to " + number_text(sum_) + "; allowed: 1 within " +
           number_text(pmf_sum_tolerance));
    }
    if (has_zero_) drop_zeros();
  }

  void sort() {
    std::vector<std::pair<Type, double>> entries;
    entries.reserve(values_.size() - first_);
    for (std::size_t i = first_; i < values_.size(); ++i) {
      entries.emplace_back(values_[i], probabilities_[first_probability_ + i - first_]);
    }
    std::ranges::sort(entries);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0 && entries[i].first == entries[i - 1].first) {
        fail("value " + number_text(static_cast<double>(entries[i].first)) + " is there twice");
      }
      values_[first_ + i] = entries[i].first;
      probabilities_[first_probability_ + i] = entries[i].second;
    }
  }

  /// They are never drawn. Some remain, as the sum is about 1.
  void drop_zeros() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < values_.size() - first_; ++i) {
      if (probabilities_[first_probability_ + i] == 0) continue;
      values_[first_ + kept] = values_[first_ + i];
      probabilities_[first_probability_ + kept] = probabilities_[first_probability_ + i];
      ++kept;
    }
    values_.resize(first_ + kept);
    probabilities_.resize(first_probability_ + kept);
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  std::vector<Type>& values_;
  std::vector<double>& probabilities_;
  std::size_t first_;
  std::size_t first_probability_;
  bool ascending_ = true;
  bool has_zero_ = false;
  double sum_ = 0;
};

}  // namespace

void parse_integer_pmf(std::string_view text, std::vector<std::uint32_t>& values,
                       std::vector<double>& probabilities) {
  PmfParser<IntegerValue>(text, values, probabilities).parse();
}

void parse_ratio_pmf(std::string_view text, std::vector<double>& values, std::vector<double>& probabilities) {
  PmfParser<RatioValue>(text, values, probabilities).parse();
}

}  // namespace tracetide
