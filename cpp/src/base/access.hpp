// The one way into public classes, for the inside.
#pragma once

#include "tracetide/batch.hpp"
#include "tracetide/distributions.hpp"
#include "tracetide/job.hpp"

namespace tracetide {

struct Access {
  [[nodiscard]] static const JobState& state(const Job& job) noexcept { return *job.state_; }
  [[nodiscard]] static const laws::LawModel& model(const laws::Law& law) noexcept { return *law.model_; }

  [[nodiscard]] static Columns& columns(Batch& batch) noexcept { return batch.columns_; }
  [[nodiscard]] static const Columns& columns(const Batch& batch) noexcept { return batch.columns_; }
  /// What a batch is of; its columns stay.
  static void reset(Batch& batch, Category category, std::uint64_t first_request,
                    OptionalColumns optional = {}) noexcept {
    batch.category_ = category;
    batch.optional_ = optional;
    batch.first_request_ = first_request;
  }
};

}  // namespace tracetide
