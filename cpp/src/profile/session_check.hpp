// What is wrong with models of sessions, if anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "profile/tide.hpp"

namespace tracetide::tide {

class SessionModelChecker {
 public:
  /// The first offence: of a model, or of a step, by its number.
  struct Wrong {
    std::size_t entry = 0;
    bool step = false;
    std::string message{};
  };

  SessionModelChecker(std::span<const SessionModel> models, std::span<const SessionStep> steps,
                      std::span<const DistributionRecord> distributions)
      : models_(models), steps_(steps), distributions_(distributions) {}

  /// @throws Wrong
  void run() const;

 private:
  void check_model(std::size_t number) const;
  void check_step(std::size_t number, std::size_t model) const;
  /// `optional`: a missing one will do.
  void check_distribution(std::uint32_t id, const char* what, double least, double most, bool optional,
                          const Wrong& place) const;
  void check_sizes() const;

  std::span<const SessionModel> models_;
  std::span<const SessionStep> steps_;
  std::span<const DistributionRecord> distributions_;
};

}  // namespace tracetide::tide
