// Looking after something else, such as a signal, during long work.
#pragma once

#include <functional>

namespace tracetide {

/// Called now and then by work that takes long, on the thread that asked for it. What it throws ends the
/// work.
using Poll = std::function<void()>;

}  // namespace tracetide
