#include "random_generator.h"

#include <cstdint>

#include "arrays.h"
#include "streamdiffusion/random_generator.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace streamdiffusion::python {

namespace {

/// Returns a new array of so many numbers.
nb::object randn(RandomGenerator& generator, int count) {
  const NewArray numbers({count}, Output::float32);
  generator.randn(numbers.floats());
  return numbers.array();
}

}  // namespace

void add_random_generator(nb::module_& module) {
  nb::class_<RandomGenerator>(module, "RandomGenerator")
      .def(nb::init<std::uint64_t>(), "seed"_a)
      .def("randn", randn, "count"_a);
}

}  // namespace streamdiffusion::python
