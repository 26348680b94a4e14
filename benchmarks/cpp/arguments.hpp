// Numbers among a benchmark's arguments: a mistyped one would otherwise be 0 and measure something else.
#pragma once

#include <cstdio>
#include <cstdlib>

inline double number_argument(int argc, char** argv, int position, double otherwise) {
  if (position >= argc) return otherwise;
  char* end = nullptr;
  const double value = std::strtod(argv[position], &end);
  if (end == argv[position] || *end != '\0' || !(value >= 0 && value <= 1e15)) {
    std::fprintf(stderr, "argument %d: %s; allowed: a number from 0 to 1e15\n", position, argv[position]);
    std::exit(2);
  }
  return value;
}
