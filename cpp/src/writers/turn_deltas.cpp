#include "writers/turn_deltas.hpp"

#include <algorithm>

namespace tracetide {
namespace {

// FNV-1a over whole ids: it only has to tell a conversation from another one.
std::uint64_t hash_of(std::span<const std::uint32_t> ids) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint32_t id : ids) hash = (hash ^ id) * 0x100000001b3;
  return hash;
}

}  // namespace

TurnDelta TurnDeltas::next(Context& context, const Turn& turn) {
  const std::uint64_t input = std::max(1u, turn.input);
  const bool is_first = context.tokens == 0;
  bool continues = input > context.tokens;
  if (continues && !turn.ids.empty() && !is_first)
    continues = context.blocks <= turn.ids.size() && hash_of(turn.ids.first(context.blocks)) == context.begin;
  TurnDelta made{static_cast<std::uint32_t>(input), 0, context.part};
  if (continues) {
    made.new_tokens = static_cast<std::uint32_t>(input - context.tokens);
    made.place = is_first ? 0 : context.place + 1;
  } else {
    ++made.part;
    ++split_turns_;
  }
  context.tokens = input + std::max(1u, turn.output);
  context.place = made.place;
  context.part = made.part;
  if (!turn.ids.empty()) {
    context.blocks = static_cast<std::uint32_t>(input / turn.block_size);
    context.begin = hash_of(turn.ids.first(context.blocks));
  }
  return made;
}

TurnDelta TurnDeltas::next(std::string_view session, const Turn& turn) {
  return next(named_[std::string(session)], turn);
}

TurnDelta TurnDeltas::next(std::uint64_t session, const Turn& turn) { return next(numbered_[session], turn); }

TurnDelta TurnDeltas::next(std::uint64_t session, const Turn& turn, double time, double horizon) {
  while (!begun_.empty() && begun_.front().first < time - horizon) {
    numbered_.erase(begun_.front().second);
    begun_.pop_front();
  }
  const auto [found, is_new] = numbered_.try_emplace(session);
  if (is_new) begun_.emplace_back(time, session);
  return next(found->second, turn);
}

bool DeltaIds::add_first(std::span<const std::uint32_t> ids, std::vector<std::uint32_t>& out) {
  for (const std::uint32_t id : ids) {
    const auto [found, is_new] = known_.try_emplace(id, static_cast<std::uint32_t>(next_));
    next_ += static_cast<std::uint64_t>(is_new);
    out.push_back(found->second);
  }
  return next_ <= limit_;
}

bool DeltaIds::add_new(std::size_t count, std::vector<std::uint32_t>& out) {
  for (; count != 0; --count) out.push_back(static_cast<std::uint32_t>(next_++));
  return next_ <= limit_;
}

}  // namespace tracetide
