// One registration function a concept; module.cpp calls them in order of dependence.
#pragma once

#include <pybind11/pybind11.h>

namespace tracetide::bindings {

/// ProfileError; std::system_error as OSError with errno and filename.
void register_errors(pybind11::module_& module);
/// What there is, by name: columns, fields, families.
void register_names(pybind11::module_& module);
void register_profile(pybind11::module_& module);
void register_profile_builder(pybind11::module_& module);
void register_job(pybind11::module_& module);
void register_rows(pybind11::module_& module);
void register_batch(pybind11::module_& module);
void register_stream(pybind11::module_& module);
void register_text(pybind11::module_& module);
void register_pace(pybind11::module_& module);
void register_arrow(pybind11::module_& module);
void register_samplers(pybind11::module_& module);
void register_prefixes(pybind11::module_& module);
void register_serving(pybind11::module_& module);

}  // namespace tracetide::bindings
