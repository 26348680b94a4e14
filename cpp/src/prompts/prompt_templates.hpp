// The system prompts and templates that prompts of a job begin with, cut into blocks.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/poller.hpp"
#include "fields/sampler.hpp"
#include "kernels/kernels.hpp"
#include "tracetide/profile.hpp"

namespace tracetide {

/// Prompts are nodes of a tree: number 0 is the empty one, those of the first level are under it, and so on.
/// A block that lies wholly within the prompts up to a node belongs to the first node of which that is so.
/// Blocks are numbered from 0 on, level by level, client by client, prompt by prompt.
class PromptTemplates {
 public:
  /// The empty prompt alone.
  PromptTemplates() = default;
  /// @throws ProfileError if there are too many, or if all of a model are longer than all inputs of its
  /// clients
  PromptTemplates(const Profile& profile, const std::vector<bool>& takes_part, const SamplerCache& samplers,
                  const Kernels& kernels, std::uint32_t block_size, Poller& poller);

  [[nodiscard]] bool empty() const noexcept { return nodes_.size() == 1; }
  /// The prompt that a request or session of the client begins with.
  [[nodiscard]] std::uint32_t draw(std::uint32_t client, const StreamKey& stream,
                                   std::uint64_t index) const noexcept;
  /// The longest part of a prompt that is not longer than an input.
  [[nodiscard]] std::uint32_t within(std::uint32_t prompt, std::uint32_t input) const noexcept;
  /// Whole blocks of a prompt.
  [[nodiscard]] std::uint32_t blocks(std::uint32_t prompt) const noexcept { return nodes_[prompt].until; }
  /// Writes the numbers of the whole blocks of a prompt; returns their end.
  std::uint32_t* put(std::uint32_t prompt, std::uint32_t* to) const noexcept;
  /// By level, how many blocks there are up to it.
  [[nodiscard]] const std::vector<std::uint64_t>& level_ends() const noexcept { return level_ends_; }
  [[nodiscard]] std::uint64_t all_blocks() const noexcept {
    return level_ends_.empty() ? 0 : level_ends_.back();
  }

 private:
  struct Node {
    std::uint32_t parent = 0;
    std::uint32_t end = 0;       ///< tokens up to its end
    std::uint32_t until = 0;     ///< whole blocks up to its end
    std::uint32_t first_id = 0;  ///< of those that are its own
  };
  struct Client {
    std::uint32_t model = Profile::missing;
    std::array<std::uint32_t, max_prompt_levels> first_node{};  ///< by level
  };
  struct Level {
    std::vector<double> cumulative{};  ///< popularity
    std::uint32_t tokens = 0;
  };
  struct Model {
    double share = 0;
    std::vector<Level> levels{};
  };

  void add_level(std::size_t level, const SamplerCache& samplers, const Kernels& kernels,
                 std::uint32_t block_size, Poller& poller);
  void check_lengths(const Profile& profile) const;

  std::vector<Node> nodes_{1};
  std::vector<Client> clients_{};
  std::vector<Model> models_{};
  std::vector<std::uint64_t> level_ends_{};
};

}  // namespace tracetide
