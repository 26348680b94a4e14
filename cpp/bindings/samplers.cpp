// Laws, and samples of them into NumPy arrays.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <string>

#include "arrays.hpp"
#include "base/poller.hpp"
#include "bindings.hpp"
#include "gil.hpp"
#include "kernels/kernels.hpp"
#include "tracetide/distributions.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

template <typename T>
using Contiguous = py::array_t<T, py::array::c_style>;

std::string dtype(const laws::Law& law) {
  switch (law.value_type()) {
    case ValueType::float64:
      return "float64";
    case ValueType::uint32:
      return "uint32";
    case ValueType::int64:
      break;
  }
  return "int64";
}

template <typename T>
void sample(const laws::Law& law, Contiguous<T> out, std::uint64_t seed, std::uint32_t stream,
            const std::string& kernels) {
  const std::span<T> values(out.mutable_data(), static_cast<std::size_t>(out.size()));
  without_gil([&] { law.sample(values, {seed, stream, parse_kernel_level(kernels), signals()}); });
}

constexpr std::uint64_t steps_per_number = 16;  // of mixtures and special functions, about

/// Adds `name`(array) for a member function of one number.
template <typename Law, typename... Options, typename Result>
void def_vectorised(py::class_<Law, Options...>& type, const char* name, Result member) {
  type.def(
      name,
      [member](const Law& law, const Contiguous<double>& arguments) {
        Contiguous<double> results(
            std::vector<py::ssize_t>(arguments.shape(), arguments.shape() + arguments.ndim()));
        double* const out = results.mutable_data();
        without_gil([&] {
          Poller poller(signals());
          for (py::ssize_t i = 0; i < arguments.size(); ++i) {
            poller.did(steps_per_number);
            out[i] = (law.*member)(arguments.data()[i]);
          }
        });
        return results;
      },
      py::arg("x"));
}

template <typename T>
py::array_t<T> as_array(const std::vector<T>& values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

template <typename Table>
void register_table(py::module_& module, const char* name) {
  py::class_<Table, laws::Pmf>(module, name)
      .def(py::init([](const Contiguous<std::uint32_t>& values, const Contiguous<double>& probabilities) {
             return Table(elements(values, "values"), elements(probabilities, "probabilities"));
           }),
           py::arg("values").noconvert(), py::arg("probabilities"))
      .def(py::init([](const Contiguous<double>& values, const Contiguous<double>& probabilities) {
             return Table(elements(values, "values"), elements(probabilities, "probabilities"));
           }),
           py::arg("values").noconvert(), py::arg("probabilities"));
}

}  // namespace

void register_samplers(py::module_& module) {
  using namespace laws;
  const auto out = [] { return py::arg("out").noconvert(); };
  py::class_<Law> law(module, "Law");
  law.def_property_readonly("dtype", &dtype)
      .def("mean", &Law::mean)
      .def("sample", &sample<double>, out(), py::arg("seed"), py::arg("stream"), py::arg("kernels") = "")
      .def("sample", &sample<std::uint32_t>, out(), py::arg("seed"), py::arg("stream"),
           py::arg("kernels") = "")
      .def("sample", &sample<std::int64_t>, out(), py::arg("seed"), py::arg("stream"),
           py::arg("kernels") = "");
  def_vectorised(law, "cdf", &Law::cdf);

  py::class_<Exponential, Law> exponential(module, "Exponential");
  exponential.def(py::init<double>(), py::arg("mean"));
  def_vectorised(exponential, "quantile", &Exponential::quantile);

  py::class_<Gamma, Law>(module, "Gamma").def(py::init<double, double>(), py::arg("shape"), py::arg("scale"));

  py::class_<Weibull, Law> weibull(module, "Weibull");
  weibull.def(py::init<double, double>(), py::arg("shape"), py::arg("scale"))
      .def_static("with_mean", &Weibull::with_mean, py::arg("shape"), py::arg("mean"))
      .def_property_readonly("scale", &Weibull::scale);
  def_vectorised(weibull, "quantile", &Weibull::quantile);

  py::class_<Pareto, Law> pareto(module, "Pareto");
  pareto.def(py::init<double, double>(), py::arg("alpha"), py::arg("minimum"));
  def_vectorised(pareto, "quantile", &Pareto::quantile);

  py::class_<LogNormal, Law>(module, "LogNormal")
      .def(py::init<double, double>(), py::arg("mu"), py::arg("sigma"))
      .def_static("with_mean", &LogNormal::with_mean, py::arg("mean"), py::arg("sigma"))
      .def_static("with_median", &LogNormal::with_median, py::arg("median"), py::arg("sigma"))
      .def_static("with_mean_and_median", &LogNormal::with_mean_and_median, py::arg("mean"),
                  py::arg("median"))
      .def_property_readonly("mu", &LogNormal::mu)
      .def_property_readonly("sigma", &LogNormal::sigma);

  py::class_<Uniform, Law> uniform(module, "Uniform");
  uniform.def(py::init<double, double>(), py::arg("low"), py::arg("high"));
  def_vectorised(uniform, "quantile", &Uniform::quantile);

  py::class_<Constant, Law> constant(module, "Constant");
  constant.def(py::init<double>(), py::arg("value"));
  def_vectorised(constant, "quantile", &Constant::quantile);

  py::class_<Zipf, Law>(module, "Zipf")
      .def(py::init<double, std::optional<std::int64_t>>(), py::arg("exponent"), py::arg("maximum"));

  py::class_<Pmf, Law> pmf(module, "Pmf");
  pmf.def_property_readonly(
         "values",
         [](const py::object& self) { return read_only_view(self.cast<const Pmf&>().values(), self); })
      .def_property_readonly("probabilities", [](const py::object& self) {
        return read_only_view(self.cast<const Pmf&>().probabilities(), self);
      });
  def_vectorised(pmf, "quantile", &Pmf::quantile);
  register_table<AliasTable>(module, "AliasTable");
  register_table<QuantileTable>(module, "QuantileTable");

  py::class_<Mixture, Law>(module, "Mixture")
      .def(py::init<const std::vector<std::pair<double, Law>>&>(), py::arg("components"));

  module.def(
      "bins",
      [](const Law& from, std::uint32_t minimum, std::uint32_t maximum) {
        const Bins bins = without_gil([&] { return make_bins(from, minimum, maximum); });
        return py::make_tuple(as_array(bins.first), as_array(bins.probability), bins.maximum);
      },
      py::arg("law"), py::arg("minimum"), py::arg("maximum"));
  module.def(
      "quantiles",
      [](const Law& from, std::size_t count, double minimum, double maximum) {
        return as_array(without_gil([&] { return make_quantiles(from, count, minimum, maximum); }));
      },
      py::arg("law"), py::arg("count"), py::arg("minimum"), py::arg("maximum"));
}

}  // namespace tracetide::bindings
