#include "prompts/prompt_templates.hpp"

#include <algorithm>
#include <string>

#include "math/elementary.hpp"
#include "tracetide/error.hpp"

namespace tracetide {
namespace {

// Ids of blocks are below 2^31, as tools that read them need.
constexpr std::uint64_t most_blocks = std::uint64_t{1} << 31;

std::vector<double> zipf(std::uint32_t n, double exponent) {
  std::vector<double> cumulative(n);
  double sum = 0;
  for (std::uint32_t k = 0; k < n; ++k) {
    sum += portable::exp(-exponent * portable::log(k + 1.0));
    cumulative[k] = sum;
  }
  for (double& value : cumulative) value /= sum;
  return cumulative;
}

// The most tokens that a request of a client can have; items have no bound that matters.
double largest_input(const Profile& profile, std::uint32_t client) {
  double largest = 0;
  const auto fields = fields_of(profile.category());
  for (std::uint32_t epoch = 0; epoch < profile.epochs(); ++epoch) {
    for (std::uint32_t field = 0; field < fields.size(); ++field) {
      const std::uint32_t id = profile.recorded(epoch, client, field);
      if (id == Profile::missing) continue;
      const double most = profile.distribution(id).maximum;
      if (fields[field] == Field::input_tokens || fields[field] == Field::text_tokens)
        largest = std::max(largest, most);
      if (fields[field] == Field::image_count || fields[field] == Field::audio_count ||
          fields[field] == Field::video_count)
        largest = most > 0 ? 0x1p32 : largest;
    }
  }
  if (profile.session_model(client) != Profile::missing) {
    const std::uint32_t first = profile.session_models()[profile.session_model(client)].first_tokens;
    if (first != SessionStep::missing) largest = std::max(largest, profile.distribution(first).maximum);
  }
  return largest;
}

}  // namespace

PromptTemplates::PromptTemplates(const Profile& profile, const std::vector<bool>& takes_part,
                                 const SamplerCache& samplers, const Kernels& kernels,
                                 std::uint32_t block_size, Poller& poller) {
  std::size_t levels = 0;
  for (const PromptModel& model : profile.prompt_models()) {
    Model& own = models_.emplace_back();
    own.share = model.share;
    for (const PromptLevel& level : profile.prompt_levels().subspan(model.first_level, model.levels))
      own.levels.push_back({zipf(level.prompts, level.exponent), level.tokens});
    levels = std::max<std::size_t>(levels, model.levels);
  }
  clients_.resize(profile.clients());
  for (std::uint32_t client = 0; client < profile.clients(); ++client) {
    const std::uint32_t model = profile.prompt_model(client);
    if (model != Profile::missing && takes_part[client] && models_[model].share > 0)
      clients_[client].model = model;
  }
  for (std::size_t level = 0; level < levels; ++level)
    add_level(level, samplers, kernels, block_size, poller);
  check_lengths(profile);
}

void PromptTemplates::add_level(std::size_t level, const SamplerCache& samplers, const Kernels& kernels,
                                std::uint32_t block_size, Poller& poller) {
  std::uint64_t next_id = all_blocks();
  for (std::uint32_t number = 0; number < clients_.size(); ++number) {
    Client& client = clients_[number];
    if (client.model == Profile::missing || models_[client.model].levels.size() <= level) continue;
    const auto prompts = [&](std::size_t of) { return models_[client.model].levels[of].cumulative.size(); };
    std::size_t parents = 1;
    for (std::size_t before = 0; before < level; ++before) parents *= prompts(before);
    const Level& own = models_[client.model].levels[level];
    if (static_cast<double>(nodes_.size()) +
            static_cast<double>(parents) * static_cast<double>(prompts(level)) >
        max_prompts) {
      throw ProfileError("profile: more than 2^24 system prompts of all clients; use fewer");
    }
    client.first_node[level] = static_cast<std::uint32_t>(nodes_.size());
    const Sampler& lengths = samplers.get(own.tokens, Draw::alias);
    for (std::size_t i = 0; i < parents * prompts(level); ++i) {
      poller.did(1);
      const StreamKey stream{0, number, static_cast<std::uint32_t>(level),
                             static_cast<std::uint8_t>(Purpose::prompt_length)};
      const auto words = philox4x32_10(stream.counter(i), stream.key());
      std::uint32_t tokens = 0;
      double scratch = 0;
      lengths.tokens(kernels, words.data(), words.data() + 1, 1, &scratch, &tokens);
      const std::uint32_t parent =
          level == 0 ? 0 : client.first_node[level - 1] + static_cast<std::uint32_t>(i / prompts(level));
      const std::uint64_t end = std::uint64_t{nodes_[parent].end} + tokens;
      if (end > 0xFFFFFFFFu) throw ProfileError("profile: a system prompt of more than 2^32 - 1 tokens");
      const auto until = static_cast<std::uint32_t>(end / block_size);
      nodes_.push_back({parent, static_cast<std::uint32_t>(end), until, static_cast<std::uint32_t>(next_id)});
      next_id += until - nodes_[parent].until;
      if (next_id > most_blocks) {
        throw ProfileError("profile: system prompts of more than 2^31 blocks of " +
                           std::to_string(block_size) + " tokens; use fewer prompts or a larger block size");
      }
    }
  }
  level_ends_.push_back(next_id);
}

// A model of which no prompt fits into any input of its clients does nothing, which nobody wants.
void PromptTemplates::check_lengths(const Profile& profile) const {
  struct Found {
    std::uint32_t shortest = 0xFFFFFFFFu;
    double largest = -1;
    bool fits = false;
  };
  std::vector<Found> found(models_.size());
  for (std::uint32_t number = 0; number < clients_.size(); ++number) {
    const Client& client = clients_[number];
    if (client.model == Profile::missing || found[client.model].fits) continue;
    Found& of_model = found[client.model];
    std::uint32_t own = 0xFFFFFFFFu;
    for (std::size_t i = 0; i < models_[client.model].levels[0].cumulative.size(); ++i)
      own = std::min(own, nodes_[client.first_node[0] + i].end);
    const double input = largest_input(profile, number);
    of_model.fits = static_cast<double>(own) <= input;
    of_model.shortest = std::min(of_model.shortest, own);
    of_model.largest = std::max(of_model.largest, input);
  }
  for (std::uint32_t model = 0; model < models_.size(); ++model) {
    const auto& [shortest, largest, fits] = found[model];
    if (!fits && largest >= 0) {
      throw ProfileError(
          "profile: model of prompts " + std::to_string(model) + ": its prompts have at least " +
          std::to_string(shortest) + " tokens, the inputs of its clients at most " +
          std::to_string(static_cast<std::uint64_t>(largest)) + "; a prompt must fit into an input");
    }
  }
}

std::uint32_t PromptTemplates::draw(std::uint32_t number, const StreamKey& stream,
                                    std::uint64_t index) const noexcept {
  if (empty()) return 0;
  const Client& client = clients_[number];
  if (client.model == Profile::missing) return 0;
  const Model& model = models_[client.model];
  const auto words = philox4x32_10(stream.counter(index), stream.key());
  if (!(words[0] * 0x1p-32 < model.share)) return 0;
  std::size_t path = 0;
  for (std::size_t level = 0; level < model.levels.size(); ++level) {
    const std::vector<double>& cumulative = model.levels[level].cumulative;
    const double uniform = words[level + 1] * 0x1p-32;
    const auto at = std::upper_bound(cumulative.begin(), cumulative.end() - 1, uniform) - cumulative.begin();
    path = path * cumulative.size() + static_cast<std::size_t>(at);
  }
  return client.first_node[model.levels.size() - 1] + static_cast<std::uint32_t>(path);
}

std::uint32_t PromptTemplates::within(std::uint32_t prompt, std::uint32_t input) const noexcept {
  while (nodes_[prompt].end > input) prompt = nodes_[prompt].parent;
  return prompt;
}

std::uint32_t* PromptTemplates::put(std::uint32_t prompt, std::uint32_t* to) const noexcept {
  if (prompt == 0) return to;
  const Node& node = nodes_[prompt];
  to = put(node.parent, to);
  const std::uint32_t own = node.until - nodes_[node.parent].until;
  for (std::uint32_t i = 0; i < own; ++i) *to++ = node.first_id + i;
  return to;
}

}  // namespace tracetide
