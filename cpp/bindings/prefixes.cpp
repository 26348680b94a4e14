// Statistics of prompt blocks.
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "arrays.hpp"
#include "base/poller.hpp"
#include "bindings.hpp"
#include "guarded.hpp"
#include "prefixes/prefix_cache.hpp"

namespace py = pybind11;

namespace tracetide::bindings {

namespace {

using Offsets = py::array_t<std::int32_t, py::array::c_style>;
using Blocks = py::array_t<std::uint32_t, py::array::c_style>;

void add(PrefixCache& cache, const Offsets& offsets, const Blocks& blocks) {
  const auto ends = elements(offsets, "offsets");
  const auto values = elements(blocks, "blocks");
  if (ends.empty() || ends.front() < 0 || !std::ranges::is_sorted(ends) ||
      static_cast<std::size_t>(ends.back()) > values.size()) {
    throw std::invalid_argument("offsets: ascending numbers from 0 to the number of blocks expected");
  }
  without_gil([&] {
    Poller poller(signals());
    for (std::size_t row = 0; row + 1 < ends.size(); ++row) {
      const auto first = static_cast<std::size_t>(ends[row]);
      const auto prompt = values.subspan(first, static_cast<std::size_t>(ends[row + 1]) - first);
      poller.did(1 + prompt.size());
      cache.add(prompt);
    }
  });
}

py::dict result(const PrefixCache& cache) {
  const auto& bins = cache.distances();
  py::dict found;
  found["requests"] = cache.requests();
  found["blocks"] = cache.blocks();
  found["different_blocks"] = cache.different_blocks();
  found["hits"] = cache.hits();
  found["hits_by_size"] = cache.hits_by_size();
  found["distances"] = std::vector<std::uint64_t>(bins.begin(), bins.end());
  return found;
}

}  // namespace

void register_prefixes(py::module_& module) {
  py::class_<Guarded<PrefixCache>>(module, "PrefixCache",
                                   "Hits of prefix caches of given sizes, in one pass.")
      .def(py::init([](std::vector<std::uint64_t> sizes) {
             return std::make_unique<Guarded<PrefixCache>>(std::in_place, std::move(sizes));
           }),
           py::arg("sizes"))
      .def("add", guarded(&add), py::arg("offsets"), py::arg("blocks"))
      .def("result", guarded(&result));
}

}  // namespace tracetide::bindings
