// Everything.
#pragma once

#include "tracetide/arrow.hpp"
#include "tracetide/batch.hpp"
#include "tracetide/distributions.hpp"
#include "tracetide/error.hpp"
#include "tracetide/job.hpp"
#include "tracetide/kernel_level.hpp"
#include "tracetide/pace.hpp"
#include "tracetide/poll.hpp"
#include "tracetide/profile.hpp"
#include "tracetide/profile_builder.hpp"
#include "tracetide/random.hpp"
#include "tracetide/serving.hpp"
#include "tracetide/stream.hpp"
#include "tracetide/version.hpp"
#include "tracetide/writers.hpp"
