// The extension module _media: images, videos and cameras. It is a module of its own, so that only a program
// that needs them loads FFmpeg.

#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>

#include <cstring>
#include <filesystem>
#include <map>
#include <string>

#include "arrays.h"
#include "errors.h"
#include "frame_arrays.h"
#include "interpreter.h"
#include "sink_writer.h"
#include "source_reader.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/media.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace streamdiffusion::python {

namespace {

using Text = std::map<std::string, std::string>;

nb::object read_image(const std::filesystem::path& file) {
  Frame frame;
  {
    const GilRelease released;
    frame = streamdiffusion::read_image(file, [](const std::string&) {});
  }
  return array_of(frame);
}

nb::object decode_image(nb::handle bytes, std::int64_t most_pixels) {
  InputArray data(bytes, "data");
  if (data.type() != PixelType::uint8 || data.shape().size() != 1) {
    throw ArgumentError("data must be the bytes of an image file, is " + data.description());
  }
  const std::span<const std::uint8_t> file = data.bytes();
  Frame frame;
  {
    const GilRelease released;
    frame = streamdiffusion::decode_image(file, most_pixels);
  }
  return array_of(frame);
}

void write_image(const std::filesystem::path& file, nb::handle image, const Text& text, int quality) {
  const Frame frame = frame_of(image);
  const GilRelease released;
  streamdiffusion::write_image(file, frame, text, quality);
}

nb::bytes encode_image(nb::handle image, const std::string& format, int quality) {
  const Frame frame = frame_of(image);
  std::vector<std::uint8_t> bytes;
  {
    const GilRelease released;
    bytes = streamdiffusion::encode_image(frame, format, {}, quality);
  }
  return nb::bytes(bytes.data(), bytes.size());
}

nb::object fit_image(nb::handle image, int width, int height, const std::string& fit) {
  const Fit how = parse_fit(fit);
  const Frame frame = frame_of(image);
  Frame fitted;
  fitted.resize(checked_side(width), checked_side(height));
  {
    const GilRelease released;
    fit_frame(frame, how, fitted);
  }
  return array_of(fitted);
}

}  // namespace

}  // namespace streamdiffusion::python

NB_MODULE(_media, module) {
  using namespace streamdiffusion::python;
  register_errors();
  watch_exit();
  module.def("read_image", &streamdiffusion::python::read_image, "file"_a);
  module.def("decode_image", &streamdiffusion::python::decode_image, "data"_a.none(), "most_pixels"_a);
  module.def("write_image", &streamdiffusion::python::write_image, "file"_a, "image"_a.none(), "text"_a,
             "quality"_a);
  module.def("encode_image", &streamdiffusion::python::encode_image, "image"_a.none(), "format"_a,
             "quality"_a);
  module.def("fit_image", fit_image, "image"_a.none(), "width"_a, "height"_a, "fit"_a);
  add_source_reader(module);
  add_sink_writer(module);
}
