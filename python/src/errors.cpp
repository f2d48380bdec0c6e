#include "errors.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <exception>
#include <filesystem>
#include <new>
#include <string>

#include "streamdiffusion/error.h"

namespace nb = nanobind;

namespace streamdiffusion::python {

namespace {

/// Returns the text as a str. File names in messages need not be UTF-8.
nb::object decode_text(const std::string& text) {
  return nb::steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

void set_error(const std::string& message, ErrorCode code, const std::string& parameter = "") {
  try {
    const nb::object error = nb::module_::import_("streamdiffusion_cpp._errors")
                                 .attr("error_of")(to_string(code), decode_text(message), parameter);
    PyErr_SetObject(error.type().ptr(), error.ptr());
  } catch (nb::python_error& failure) {
    failure.restore();
  }
}

void translate(const std::exception_ptr& exception, void* /*payload*/) {
  try {
    std::rethrow_exception(exception);
  } catch (const PromptError& error) {
    set_error(error.what(), error.code(), error.parameter());
  } catch (const Error& error) {
    set_error(error.what(), error.code());
  } catch (const std::bad_alloc&) {
    set_error("the memory does not suffice", ErrorCode::out_of_memory);
  } catch (const std::filesystem::filesystem_error& error) {
    set_error(error.what(), ErrorCode::system);
  }
}

}  // namespace

void register_errors() { nb::register_exception_translator(translate); }

}  // namespace streamdiffusion::python
