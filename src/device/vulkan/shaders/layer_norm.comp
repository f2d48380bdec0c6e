#version 460
// Layer norm. A workgroup normalises the channels of one token.
#extension GL_GOOGLE_include_directive : require
#include "tensors.glsl"

layout(local_size_x = 64) in;
#include "reduce.glsl"

layout(constant_id = 0) const bool HALF_X = false;
layout(constant_id = 1) const bool HALF_OUT = false;

layout(push_constant, scalar) uniform Arguments {
  Floats x;
  Floats gain;
  Floats shift;
  Floats out_;
  uint tokens;
  uint channels;
  uint x_stride;
  uint out_stride;
  float epsilon;
};

void main() {
  const uint token = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  if (token >= tokens) {
    return;
  }
  const uint start = token * x_stride;
  float sum = 0;
  for (uint i = gl_LocalInvocationIndex; i < channels; i += gl_WorkGroupSize.x) {
    sum += load(x, start + i, HALF_X);
  }
  const float mean = sum_of_all(sum) / float(channels);
  float squares = 0;
  for (uint i = gl_LocalInvocationIndex; i < channels; i += gl_WorkGroupSize.x) {
    const float deviation = load(x, start + i, HALF_X) - mean;
    squares += deviation * deviation;
  }
  const float factor = inversesqrt(sum_of_all(squares) / float(channels) + epsilon);
  for (uint i = gl_LocalInvocationIndex; i < channels; i += gl_WorkGroupSize.x) {
    const float value = (load(x, start + i, HALF_X) - mean) * factor * gain.v[i] + shift.v[i];
    store(out_, token * out_stride + i, HALF_OUT, value);
  }
}
