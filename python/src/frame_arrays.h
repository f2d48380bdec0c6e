#pragma once

#include <nanobind/nanobind.h>

#include "streamdiffusion/frame.h"

namespace streamdiffusion::python {

/// Returns a frame's pixels as a new numpy array. The GIL must be held.
nanobind::object array_of(const Frame& frame);

/// Copies an image of Python's to a frame of 8-bit RGB. float32 values are rounded to the nearest level.
Frame frame_of(nanobind::handle image);

/// Returns the side of an image, or throws ArgumentError for one that no image has.
int checked_side(std::int64_t side);

}  // namespace streamdiffusion::python
