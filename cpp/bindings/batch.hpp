// Batches as Python has them.
#pragma once

#include <memory>

#include "tracetide/batch.hpp"

namespace tracetide::bindings {

struct BatchHandle {
  std::shared_ptr<const Batch> batch;
};

}  // namespace tracetide::bindings
