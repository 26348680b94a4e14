// Requests in step with a clock.
#include "tracetide/pace.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cmath>
#include <memory>
#include <utility>

#include "bindings.hpp"
#include "engine/column_views.hpp"
#include "guarded.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

// A request of a batch, which lives as long as it.
struct PacedRequest {
  std::shared_ptr<const Batch> batch;
  std::size_t row = 0;
  double due = 0;
  double late = 0;
};

py::object column_at(const PacedRequest& self, const std::string& name) {
  const std::optional<ColumnView> found = find_column(*self.batch, name);
  if (!found) throw py::attribute_error("a request of this job has no column '" + name + "'");
  return std::visit(
      [&](const auto& column) -> py::object {
        using View = std::decay_t<decltype(column)>;
        if constexpr (std::is_same_v<View, ListView>) {
          const auto begin = static_cast<std::size_t>(column.offsets[self.row]);
          const auto count = static_cast<std::size_t>(column.offsets[self.row + 1]) - begin;
          return py::cast(
              std::vector<std::uint32_t>(column.values.begin() + static_cast<std::ptrdiff_t>(begin),
                                         column.values.begin() + static_cast<std::ptrdiff_t>(begin + count)));
        } else if constexpr (std::is_same_v<View, TextView>) {
          throw py::attribute_error(name);  // no column of a batch
        } else if constexpr (std::is_same_v<View, std::span<const std::uint64_t>>) {
          return column[self.row] == no_session ? py::object(py::none()) : py::cast(column[self.row]);
        } else if constexpr (std::is_same_v<View, std::span<const double>>) {
          return std::isnan(column[self.row]) ? py::object(py::none()) : py::cast(column[self.row]);
        } else {
          return py::cast(column[self.row]);
        }
      },
      *found);
}

struct Paced {
  PacedStream stream;
  double speed;
};

// All that are due of a batch, which they keep.
std::vector<PacedRequest> next_due(Paced& paced, double now) {
  std::vector<PacedRequest> requests;
  std::shared_ptr<const Batch> batch;
  DueRequests due;
  without_gil([&] {
    due = paced.stream.next_due(now);
    if (!due.empty()) batch = paced.stream.shared_batch();
  });
  requests.reserve(due.size());
  for (std::size_t row = due.first; row < due.last; ++row) {
    const double when = batch->timestamp()[row] / paced.speed;
    requests.push_back({batch, row, when, now - when});
  }
  return requests;
}

std::unique_ptr<Guarded<Paced>> make_paced(const Job& job, double speed, unsigned threads,
                                           std::size_t ahead) {
  return without_gil([&] {
    const PaceOptions options{
        .speed = speed, .stream = {.threads = threads, .poll = signals()}, .ahead = ahead};
    return std::make_unique<Guarded<Paced>>(std::in_place, Paced{PacedStream(job, options), speed});
  });
}

}  // namespace

void register_pace(py::module_& module) {
  py::class_<PacedRequest>(module, "PacedRequest")
      .def_property_readonly("number",
                             [](const PacedRequest& self) { return self.batch->first_request() + self.row; })
      .def_readonly("due", &PacedRequest::due)
      .def_readonly("late", &PacedRequest::late)
      .def_property_readonly("timestamp",
                             [](const PacedRequest& self) { return self.batch->timestamp()[self.row]; })
      .def_property_readonly("client_id",
                             [](const PacedRequest& self) { return self.batch->client_id()[self.row]; })
      .def_property_readonly("input_tokens",
                             [](const PacedRequest& self) { return self.batch->input_tokens()[self.row]; })
      .def_property_readonly("output_tokens",
                             [](const PacedRequest& self) { return self.batch->output_tokens()[self.row]; })
      .def("__getattr__", &column_at)
      .def("__repr__", [](const PacedRequest& self) {
        return "<PacedRequest " + std::to_string(self.batch->first_request() + self.row) + ", due at " +
               std::to_string(self.due) + " s>";
      });
  py::class_<Guarded<Paced>>(module, "PacedStream")
      .def(py::init(&make_paced), py::arg("job"), py::kw_only(), py::arg("speed") = 1.0,
           py::arg("threads") = 0, py::arg("ahead") = 4)
      .def("next_due", guarded(&next_due), py::arg("now"))
      .def("next_time", guarded(+[](Paced& self) { return self.stream.next_time(); }))
      .def("done", guarded(+[](Paced& self) { return self.stream.done(); }))
      .def_property_readonly("starved", guarded(+[](Paced& self) { return self.stream.starved(); }));
}

}  // namespace tracetide::bindings
