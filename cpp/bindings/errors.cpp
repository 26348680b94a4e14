// C++ exceptions as Python's. Only this module's: other extensions keep their own translation.
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>

#include "bindings.hpp"
#include "tracetide/error.hpp"

namespace py = pybind11;

namespace tracetide::bindings {

namespace {

/// OSError(errno, text[, filename]), which Python makes a FileNotFoundError and the like of.
void set_os_error(const std::error_code& code, const std::filesystem::path* path, const char* what) {
  // What only its class would tell, BlockingIOError, misleads where there is no file.
  if (path == nullptr && code == std::errc::resource_unavailable_try_again) {
    PyErr_SetString(PyExc_OSError, what);
    return;
  }
  const std::string text = path != nullptr ? code.message() : std::string(what);
  py::tuple arguments = py::make_tuple(code.value(), text);
  if (path != nullptr && !path->empty()) arguments = py::make_tuple(code.value(), text, path->string());
  PyErr_SetObject(PyExc_OSError, arguments.ptr());
}

void translate(std::exception_ptr error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const std::filesystem::filesystem_error& e) {
    set_os_error(e.code(), &e.path1(), e.what());
  } catch (const std::system_error& e) {
    set_os_error(e.code(), nullptr, e.what());
  }
}

}  // namespace

void register_errors(py::module_& module) {
  py::register_local_exception<ProfileError>(module, "ProfileError", PyExc_ValueError);
  py::register_local_exception_translator(translate);
}

}  // namespace tracetide::bindings
