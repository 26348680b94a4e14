// Everything.
#pragma once

#include "tracetide/arrow.hpp"
#include "tracetide/batch.hpp"
#include "tracetide/distributions.hpp"
#include "tracetide/error.hpp"
#include "tracetide/job.hpp"
#include "tracetide/pace.hpp"
#include "tracetide/poll.hpp"
#include "tracetide/profile.hpp"
#include "tracetide/random.hpp"
#include "tracetide/serving.hpp"
#include "tracetide/stream.hpp"
