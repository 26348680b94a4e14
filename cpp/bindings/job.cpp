// Job and its options.
#include "tracetide/job.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "base/access.hpp"
#include "base/poller.hpp"
#include "bindings.hpp"
#include "engine/job_state.hpp"
#include "gil.hpp"
#include "names.hpp"
#include "profile/names.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

template <class Options>
auto parse(const char* what, const std::string& text, const Options& options) {
  std::string allowed;
  for (const auto option : options) {
    if (name(option) == text) return option;
    allowed.append(allowed.empty() ? "" : ", ").append(name(option));
  }
  throw std::invalid_argument(std::string(what) + ": '" + text + "' is not allowed; it must be one of " +
                              allowed);
}

Missing parse_missing(const std::string& text) {
  if (text == "nearest") return Missing::nearest;
  if (text == "error") return Missing::error;
  throw std::invalid_argument("missing: '" + text + "' is not allowed; it must be one of nearest, error");
}

std::uint64_t parse_seed(const py::object& seed) {
  if (py::isinstance<py::int_>(seed)) {
    const std::uint64_t value = PyLong_AsUnsignedLongLong(seed.ptr());
    if (PyErr_Occurred() == nullptr) return value;
    PyErr_Clear();
  }
  throw std::invalid_argument("seed: " + std::string(py::repr(seed)) +
                              " is not allowed; it must be a whole number from 0 to 2^64 - 1");
}

constexpr auto all_counts = all_of<Counts>(counts_names);
constexpr std::array all_couplings = {Coupling::profile, Coupling::independent, Coupling::comonotonic,
                                      Coupling::copula};
constexpr auto all_fields = all_of<Field>(field_names);

Job make_job(const Profile& profile, std::optional<double> rate,
             std::optional<std::vector<double>> rate_steps,
             const std::optional<std::vector<std::pair<double, double>>>& rate_points,
             std::optional<double> scale, std::optional<double> max_rate, std::optional<double> span_start,
             std::optional<double> span_end, std::optional<double> duration, const py::object& seed,
             const std::string& counts, const std::string& coupling, const std::string& missing,
             const std::vector<std::tuple<std::string, std::string, double>>& correlations,
             std::optional<bool> conversations, std::optional<bool> prefixes,
             std::optional<std::uint32_t> block_size, double modulation,
             const std::array<double, 3>& payload_bytes) {
  JobOptions options;
  options.rate = rate;
  options.scale = scale;
  options.max_rate = max_rate;
  options.span_start = span_start;
  options.span_end = span_end;
  options.duration = duration;
  options.seed = parse_seed(seed);
  options.counts = parse("counts", counts, all_counts);
  options.coupling = parse("coupling", coupling, all_couplings);
  options.missing = parse_missing(missing);
  options.conversations = conversations;
  options.prefixes = prefixes;
  options.block_size = block_size;
  options.modulation = modulation;
  options.payload_bytes = payload_bytes;
  for (const auto& [a, b, spearman] : correlations) {
    options.correlations.push_back(
        {parse("coupling", a, all_fields), parse("coupling", b, all_fields), spearman});
  }
  if (rate_steps) {
    if (rate_steps->empty())
      throw std::invalid_argument("rate: an empty list is not allowed; give one rate a window");
    options.rate_steps = std::move(*rate_steps);
  }
  if (rate_points) {
    if (rate_points->empty())
      throw std::invalid_argument("rate: an empty curve is not allowed; give (time, rate) points");
    for (const auto& [time, value] : *rate_points) options.rate_points.push_back({time, value});
  }
  return without_gil([&] { return Job(profile, std::move(options), signals()); });
}

template <class T>
py::array array_of(const std::vector<T>& values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

template <class Result>
Result counted(const Job& job, Result (Job::*made)(const Poll&) const) {
  return without_gil([&] { return (job.*made)(signals()); });
}

// Of every window of the job: that of the profile, and the factor on its clients' rates.
py::tuple window_factors(const Job& job) {
  const auto windows = static_cast<py::ssize_t>(job.windows());
  py::array_t<std::uint32_t> profile_window(windows);
  py::array_t<double> factor(windows);
  std::uint32_t* const to_window = profile_window.mutable_data();
  double* const to_factor = factor.mutable_data();
  without_gil([&] {
    Poller poller(signals());
    for (std::int64_t k = 0; k < windows; ++k) {
      poller.did(1);
      const JobWindow window = Access::state(job).window(k);
      to_window[k] = window.profile_window;
      to_factor[k] = Access::state(job).factor(k, window);
    }
  });
  return py::make_tuple(profile_window, factor);
}

}  // namespace

void register_job(py::module_& module) {
  module.attr("trace_version") = trace_version;
  py::class_<Job>(module, "Job")
      .def(py::init(&make_job), py::arg("profile"), py::kw_only(), py::arg("rate") = py::none(),
           py::arg("rate_steps") = py::none(), py::arg("rate_points") = py::none(),
           py::arg("scale") = py::none(), py::arg("max_rate") = py::none(),
           py::arg("span_start") = py::none(), py::arg("span_end") = py::none(),
           py::arg("duration") = py::none(), py::arg("seed") = 0, py::arg("counts") = "profile",
           py::arg("coupling") = "profile", py::arg("missing") = "nearest",
           py::arg("correlations") = std::vector<std::tuple<std::string, std::string, double>>(),
           py::arg("conversations") = py::none(), py::arg("prefixes") = py::none(),
           py::arg("block_size") = py::none(), py::arg("modulation") = 1.0,
           py::arg("payload_bytes") = std::array<double, 3>{})
      .def_property_readonly("block_size", &Job::block_size)
      .def_property_readonly("prompt_blocks", &Job::prompt_blocks)
      .def_property_readonly("conversations", &Job::conversations)
      .def_property_readonly("profile", &Job::profile)
      .def_property_readonly("counts", [](const Job& job) { return std::string(name(job.counts())); })
      .def_property_readonly("coupling", [](const Job& job) { return std::string(name(job.coupling())); })
      .def_property_readonly("duration_ns", &Job::duration_ns)
      .def_property_readonly("windows", &Job::windows)
      .def_property_readonly("window_starts_ns",
                             [](const Job& job) { return array_of(job.window_starts_ns()); })
      .def_property_readonly("expected", &Job::expected)
      .def("window_factors", &window_factors)
      .def("count", [](const Job& job) { return counted(job, &Job::count); })
      .def("window_expected", [](const Job& job) { return array_of(counted(job, &Job::window_expected)); })
      .def("window_counts",
           [](const Job& job) -> py::object {
             const auto counts = counted(job, &Job::window_counts);
             if (!counts) return py::none();
             return array_of(*counts);
           })
      .def_property_readonly("left_out", &Job::left_out)
      .def_property_readonly("left_out_share", &Job::left_out_share)
      .def_property_readonly("empty_windows", &Job::empty_windows);
}

}  // namespace tracetide::bindings
