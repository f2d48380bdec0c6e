#include <nanobind/nanobind.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "stream.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace streamdiffusion::python {

namespace {

void make_stream(PythonStream* memory, std::shared_ptr<PythonModel> model, int width, int height,
                 int frame_buffer_size, bool use_denoising_batch, const std::string& settings,
                 const nb::dict& embeds) {
  const StreamOptions options{.width = width,
                              .height = height,
                              .frame_buffer_size = frame_buffer_size,
                              .use_denoising_batch = use_denoising_batch};
  new (memory) PythonStream(std::move(model), options, settings, embeds);
}

nb::tuple statistics(PythonStream& stream) {
  const StreamStatistics all = stream.statistics();
  return nb::make_tuple(all.steps, all.skipped, all.encode_seconds, all.unet_seconds, all.decode_seconds,
                        all.operations);
}

nb::tuple latent_shape(const PythonStream& stream) {
  const LatentShape& shape = stream.shapes().latents;
  return nb::make_tuple(shape.channels, shape.height, shape.width);
}

}  // namespace

void add_stream(nb::module_& module) {
  nb::class_<PythonStream>(module, "Stream")
      .def("__init__", make_stream, "model"_a, "width"_a, "height"_a, "frame_buffer_size"_a,
           "use_denoising_batch"_a, "settings"_a, "embeds"_a)
      .def("set", &PythonStream::set, "settings"_a, "embeds"_a)
      .def("settings", &PythonStream::settings)
      .def("step", &PythonStream::step, "inputs"_a, "output"_a, "on_step"_a.none())
      .def("drain", &PythonStream::drain, "output"_a, "on_step"_a.none())
      .def("generate", &PythonStream::generate, "output"_a, "on_step"_a.none())
      .def("generate_from", &PythonStream::generate_from, "noise"_a.none(), "output"_a, "on_step"_a.none())
      .def("generate_image", &PythonStream::generate_image, "input"_a, "output"_a, "on_step"_a.none())
      .def("generate_images", &PythonStream::generate_images, "variations"_a, "output"_a, "on_step"_a.none())
      .def("encode", &PythonStream::encode, "image"_a.none())
      .def("decode", &PythonStream::decode, "latents"_a.none(), "output"_a)
      .def("cancel", &PythonStream::cancel)
      .def("close", &PythonStream::close)
      .def("is_closed", &PythonStream::is_closed)
      .def("in_flight", &PythonStream::in_flight)
      .def("statistics", statistics)
      .def("latent_shape", latent_shape);
  module.def("step_streams", &PythonStream::step_together, "steps"_a, "output"_a);
}

}  // namespace streamdiffusion::python
