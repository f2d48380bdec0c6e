#version 460
// Mean and sum of squared deviations of a part of a group's pixels. Workgroup (group, part, row). The deviations are taken from the
// part's own mean, so that no digits are lost where the mean is large.
#extension GL_GOOGLE_include_directive : require
#include "tensors.glsl"

layout(local_size_x = 256) in;
#include "reduce.glsl"

layout(constant_id = 0) const bool HALF_X = false;

layout(push_constant, scalar) uniform Arguments {
  Floats x;
  Floats statistics;  // [row][group][part][2]
  uint row_pixels;
  uint channels;  // in a group
  uint x_stride;
  uint part_pixels;
};

void main() {
  const uint first = gl_WorkGroupID.y * part_pixels;
  const uint count = (min(first + part_pixels, row_pixels) - first) * channels;
  const uint start = (gl_WorkGroupID.z * row_pixels + first) * x_stride + gl_WorkGroupID.x * channels;
  float sum = 0;
  for (uint i = gl_LocalInvocationIndex; i < count; i += gl_WorkGroupSize.x) {
    sum += load(x, start + i / channels * x_stride + i % channels, HALF_X);
  }
  const float mean = sum_of_all(sum) / float(count);
  float squares = 0;
  for (uint i = gl_LocalInvocationIndex; i < count; i += gl_WorkGroupSize.x) {
    const float deviation = load(x, start + i / channels * x_stride + i % channels, HALF_X) - mean;
    squares += deviation * deviation;
  }
  squares = sum_of_all(squares);
  if (gl_LocalInvocationIndex == 0) {
    const uint at = ((gl_WorkGroupID.z * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_NumWorkGroups.y + gl_WorkGroupID.y) * 2;
    statistics.v[at] = mean;
    statistics.v[at + 1] = squares;
  }
}
