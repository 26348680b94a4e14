// Streams of batches, as Python iterators.
#include "tracetide/stream.hpp"

#include <pybind11/stl.h>

#include <memory>
#include <utility>

#include "batch.hpp"
#include "bindings.hpp"
#include "guarded.hpp"
#include "kernels/kernels.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

BatchHandle next_batch(Stream& stream) {
  std::shared_ptr<const Batch> batch = without_gil([&] { return stream.next_shared(); });
  if (!batch) throw py::stop_iteration();
  return {std::move(batch)};
}

std::unique_ptr<Guarded<Stream>> make_stream(const Job& job, unsigned threads, std::size_t batch_size,
                                             const std::string& kernels, std::uint64_t first_window,
                                             std::optional<std::uint64_t> last_window,
                                             std::uint64_t first_request) {
  return without_gil([&] {
    return std::make_unique<Guarded<Stream>>(
        std::in_place, job,
        StreamOptions{threads, batch_size, parse_kernel_level(kernels), first_window, last_window,
                      first_request, signals()});
  });
}

}  // namespace

void register_stream(py::module_& module) {
  py::class_<Guarded<Stream>>(module, "Stream")
      .def(py::init(&make_stream), py::arg("job"), py::kw_only(), py::arg("threads") = 0,
           py::arg("batch_size") = 0, py::arg("kernels") = "", py::arg("first_window") = 0,
           py::arg("last_window") = py::none(), py::arg("first_request") = 0)
      .def("__iter__", [](const py::object& stream) { return stream; })
      .def("__next__", guarded(&next_batch));

  module.def("kernel_levels", [] {
    std::vector<std::string> names;
    for (const KernelLevel level : kernel_levels()) names.emplace_back(name(level));
    return names;
  });
}

}  // namespace tracetide::bindings
