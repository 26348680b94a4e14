// The version of the library, for the preprocessor. CMake checks that it is that of the Python package.
#pragma once

#define TRACETIDE_VERSION_MAJOR 0
#define TRACETIDE_VERSION_MINOR 1
#define TRACETIDE_VERSION_PATCH 0

/// As one number that grows with the version: 10203 is 1.2.3.
#define TRACETIDE_VERSION \
  (TRACETIDE_VERSION_MAJOR * 10000 + TRACETIDE_VERSION_MINOR * 100 + TRACETIDE_VERSION_PATCH)
