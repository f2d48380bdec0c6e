#version 460
// Operations on every element: map, copy, add and combine of Device. A thread computes one element, or four neighbouring channels.
#extension GL_GOOGLE_include_directive : require
#include "tensors.glsl"

const uint MAP = 0;      // out = activation(x * scale) * out_scale + shift
const uint COPY = 1;     // out = x
const uint ADD = 2;      // out = x + y
const uint COMBINE = 3;  // out = a[row] * x + b[row] * y

layout(constant_id = 0) const uint OPERATION = 0;
layout(constant_id = 1) const uint ACTIVATION = 0;
layout(constant_id = 2) const bool QUADS = false;
layout(constant_id = 3) const bool HALF_X = false;
layout(constant_id = 4) const bool HALF_Y = false;
layout(constant_id = 5) const bool HALF_OUT = false;

layout(local_size_x = 256) in;

layout(push_constant, scalar) uniform Arguments {
  Floats x;
  Floats y;
  Floats factors;  // a of each row, then b of each row
  Floats out_;
  uint pixels;
  uint channels;
  uint x_stride;
  uint y_stride;
  uint out_stride;
  uint row_pixels;
  float scale;
  float out_scale;
  float shift;
};

vec4 load_some(Floats tensor, uint i, bool is_half) {
  return QUADS ? load_quad(tensor, i, is_half) : vec4(load(tensor, i, is_half));
}

vec4 compute(uint pixel, uint channel) {
  const vec4 value = load_some(x, pixel * x_stride + channel, HALF_X);
  switch (OPERATION) {
    case MAP: {
      vec4 mapped;
      [[unroll]] for (uint i = 0; i < 4; ++i) {
        mapped[i] = activate(ACTIVATION, value[i] * scale) * out_scale + shift;
      }
      return mapped;
    }
    case ADD:
      return value + load_some(y, pixel * y_stride + channel, HALF_Y);
    case COMBINE: {
      const uint row = pixel / row_pixels;
      const vec4 other = load_some(y, pixel * y_stride + channel, HALF_Y);
      return factors.v[row] * value + factors.v[pixels / row_pixels + row] * other;
    }
    default:
      return value;
  }
}

void main() {
  const uint width = QUADS ? 4 : 1;
  const uint columns = channels / width;
  const uint i = gl_GlobalInvocationID.y * gl_NumWorkGroups.x * gl_WorkGroupSize.x + gl_GlobalInvocationID.x;
  const uint pixel = i / columns;
  if (pixel >= pixels) {
    return;
  }
  const uint channel = i % columns * width;
  const vec4 value = compute(pixel, channel);
  if (QUADS) {
    store_quad(out_, pixel * out_stride + channel, HALF_OUT, value);
  } else {
    store(out_, pixel * out_stride + channel, HALF_OUT, value.x);
  }
}
