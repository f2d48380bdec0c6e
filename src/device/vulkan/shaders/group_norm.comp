#version 460
// Applies a group norm by the statistics of group_statistics.comp. A workgroup takes some pixels of a row; first it combines the
// parts' statistics of each group (Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample
// variances").
#extension GL_GOOGLE_include_directive : require
#include "tensors.glsl"

layout(constant_id = 0) const uint ACTIVATION = 0;
layout(constant_id = 1) const bool QUADS = false;
layout(constant_id = 2) const bool HALF_X = false;
layout(constant_id = 3) const bool HALF_OUT = false;
layout(constant_id = 4) const uint GROUPS = 32;

layout(local_size_x = 256) in;

layout(push_constant, scalar) uniform Arguments {
  Floats x;
  Floats statistics;  // [row][group][part][2]: mean and sum of squared deviations
  Floats gain;
  Floats shift;
  Floats out_;
  uint row_pixels;
  uint channels;  // in all groups
  uint x_stride;
  uint out_stride;
  uint parts;
  uint part_pixels;
  uint workgroup_pixels;
  float epsilon;
};

shared float means[GROUPS];
shared float factors[GROUPS];

void combine_parts(uint row, uint group) {
  const uint group_channels = channels / GROUPS;
  float count = 0;
  float mean = 0;
  float squares = 0;
  for (uint part = 0; part < parts; ++part) {
    const uint at = ((row * GROUPS + group) * parts + part) * 2;
    const float part_count = float(min(part_pixels, row_pixels - part * part_pixels) * group_channels);
    const float difference = statistics.v[at] - mean;
    const float together = count + part_count;
    mean += difference * (part_count / together);
    squares += statistics.v[at + 1] + difference * difference * (count * part_count / together);
    count = together;
  }
  means[group] = mean;
  factors[group] = inversesqrt(squares / count + epsilon);
}

float normalise(float value, uint channel) {
  const uint group = channel / (channels / GROUPS);
  return activate(ACTIVATION, (value - means[group]) * factors[group] * gain.v[channel] + shift.v[channel]);
}

void main() {
  const uint row = gl_WorkGroupID.y;
  for (uint group = gl_LocalInvocationIndex; group < GROUPS; group += gl_WorkGroupSize.x) {
    combine_parts(row, group);
  }
  barrier();
  const uint width = QUADS ? 4 : 1;
  const uint columns = channels / width;
  const uint first = gl_WorkGroupID.x * workgroup_pixels;
  const uint end = min(first + workgroup_pixels, row_pixels);
  for (uint i = gl_LocalInvocationIndex; i < (end - first) * columns; i += gl_WorkGroupSize.x) {
    const uint pixel = row * row_pixels + first + i / columns;
    const uint channel = i % columns * width;
    if (QUADS) {
      vec4 quad = load_quad(x, pixel * x_stride + channel, HALF_X);
      [[unroll]] for (uint j = 0; j < 4; ++j) {
        quad[j] = normalise(quad[j], channel + j);
      }
      store_quad(out_, pixel * out_stride + channel, HALF_OUT, quad);
    } else {
      const float value = load(x, pixel * x_stride + channel, HALF_X);
      store(out_, pixel * out_stride + channel, HALF_OUT, normalise(value, channel));
    }
  }
}
