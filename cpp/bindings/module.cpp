// The extension tracetide._core. Private: users see the Python modules around it.
#include "bindings.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
  module.doc() = "The C++ core of tracetide.";
  tracetide::bindings::register_errors(module);
  tracetide::bindings::register_names(module);
  tracetide::bindings::register_profile(module);
  tracetide::bindings::register_profile_builder(module);
  tracetide::bindings::register_job(module);
  tracetide::bindings::register_rows(module);
  tracetide::bindings::register_batch(module);
  tracetide::bindings::register_stream(module);
  tracetide::bindings::register_text(module);
  tracetide::bindings::register_pace(module);
  tracetide::bindings::register_arrow(module);
  tracetide::bindings::register_samplers(module);
  tracetide::bindings::register_prefixes(module);
  tracetide::bindings::register_serving(module);
}
