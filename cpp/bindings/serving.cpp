// Simulated serving.
#include "tracetide/serving.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "guarded.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

template <class T>
using Array = py::array_t<T, py::array::c_style>;

Routing parse_routing(const std::string& name) {
  if (name == "round-robin") return Routing::round_robin;
  if (name == "least-loaded") return Routing::least_loaded;
  throw std::invalid_argument("routing: '" + name +
                              "' is not allowed; it must be one of round-robin, least-loaded");
}

std::unique_ptr<Guarded<ServingSimulator>> make_simulator(const InstanceOptions& instance,
                                                          std::uint32_t instances, const std::string& routing,
                                                          bool closed_loop, bool keep_requests) {
  return std::make_unique<Guarded<ServingSimulator>>(std::in_place,
                                                     ServingOptions{.instance = instance,
                                                                    .instances = instances,
                                                                    .routing = parse_routing(routing),
                                                                    .closed_loop = closed_loop,
                                                                    .keep_requests = keep_requests,
                                                                    .poll = signals()});
}

void add(ServingSimulator& simulator, const Array<double>& timestamp, const Array<std::uint32_t>& input,
         const Array<std::uint32_t>& output, const std::optional<Array<std::uint64_t>>& session,
         const std::optional<Array<double>>& delay) {
  ServingRequests requests{.timestamp = elements(timestamp, "timestamp"),
                           .input_tokens = elements(input, "input_tokens"),
                           .output_tokens = elements(output, "output_tokens")};
  if (session) requests.session_id = elements(*session, "session_id");
  if (delay) requests.delay = elements(*delay, "delay");
  without_gil([&] { simulator.add(requests); });
}

std::shared_ptr<ServingResult> finish(ServingSimulator& simulator) {
  return without_gil([&] { return std::make_shared<ServingResult>(simulator.finish()); });
}

// A column of the requests that were kept.
template <class T>
Array<T> column(const ServingResult& result, T ServedRequest::* member) {
  Array<T> values(static_cast<py::ssize_t>(result.served.size()));
  std::ranges::transform(result.served, values.mutable_data(), member);
  return values;
}

py::dict served(const ServingResult& result) {
  py::dict columns;
  columns["request"] = column(result, &ServedRequest::number);
  columns["instance"] = column(result, &ServedRequest::instance);
  columns["preemptions"] = column(result, &ServedRequest::preemptions);
  columns["arrival"] = column(result, &ServedRequest::arrival_s);
  columns["first_token"] = column(result, &ServedRequest::first_token_s);
  columns["end"] = column(result, &ServedRequest::end_s);
  return columns;
}

// A histogram lives as long as its result.
auto part(LatencyHistogram ServingResult::* member) {
  return [member](const std::shared_ptr<ServingResult>& result) {
    return std::shared_ptr<LatencyHistogram>(result, &((*result).*member));
  };
}

void register_options(py::module_& module) {
  py::class_<CostModel>(module, "CostModel")
      .def(py::init([](double base_s, double prefill_token_s, double prefill_pair_s, double decode_sequence_s,
                       double context_token_s) {
             return CostModel{base_s, prefill_token_s, prefill_pair_s, decode_sequence_s, context_token_s};
           }),
           py::kw_only(), py::arg("base_s"), py::arg("prefill_token_s"), py::arg("prefill_pair_s"),
           py::arg("decode_sequence_s"), py::arg("context_token_s"));
  py::class_<InstanceOptions>(module, "InstanceOptions")
      .def(py::init([](const CostModel& cost, std::uint64_t kv_tokens, std::uint32_t max_batch_tokens,
                       std::uint32_t max_sequences, bool chunked_prefill) {
             return InstanceOptions{cost, kv_tokens, max_batch_tokens, max_sequences, chunked_prefill};
           }),
           py::kw_only(), py::arg("cost"), py::arg("kv_tokens"), py::arg("max_batch_tokens"),
           py::arg("max_sequences"), py::arg("chunked_prefill"));
}

void register_result(py::module_& module) {
  py::class_<LatencyHistogram, std::shared_ptr<LatencyHistogram>>(module, "LatencyHistogram")
      .def_property_readonly("count", &LatencyHistogram::count)
      .def_property_readonly("mean", &LatencyHistogram::mean_s)
      .def_property_readonly("min", &LatencyHistogram::min_s)
      .def_property_readonly("max", &LatencyHistogram::max_s)
      .def("quantile", &LatencyHistogram::quantile_s, py::arg("q"));
  py::class_<ServingResult, std::shared_ptr<ServingResult>>(module, "ServingResult")
      .def_readonly("requests", &ServingResult::requests)
      .def_readonly("rejected", &ServingResult::rejected)
      .def_readonly("input_tokens", &ServingResult::input_tokens)
      .def_readonly("output_tokens", &ServingResult::output_tokens)
      .def_readonly("preemptions", &ServingResult::preemptions)
      .def_readonly("recomputed_tokens", &ServingResult::recomputed_tokens)
      .def_readonly("iterations", &ServingResult::iterations)
      .def_readonly("peak_kv_tokens", &ServingResult::peak_kv_tokens)
      .def_readonly("end", &ServingResult::end_s)
      .def_readonly("busy", &ServingResult::busy_s)
      .def_property_readonly("ttft", part(&ServingResult::ttft))
      .def_property_readonly("tbt", part(&ServingResult::tbt))
      .def_property_readonly("tpot", part(&ServingResult::tpot))
      .def_property_readonly("latency", part(&ServingResult::latency))
      .def("served", &served);
}

}  // namespace

void register_serving(py::module_& module) {
  register_options(module);
  register_result(module);
  py::class_<Guarded<ServingSimulator>>(module, "ServingSimulator",
                                        "Serves requests in the order of their times.")
      .def(py::init(&make_simulator), py::arg("instance"), py::kw_only(), py::arg("instances") = 1,
           py::arg("routing") = "round-robin", py::arg("closed_loop") = false,
           py::arg("keep_requests") = false)
      .def("add", guarded(&add), py::arg("timestamp"), py::arg("input_tokens"), py::arg("output_tokens"),
           py::arg("session_id") = py::none(), py::arg("delay") = py::none())
      .def("finish", guarded(&finish));
}

}  // namespace tracetide::bindings
