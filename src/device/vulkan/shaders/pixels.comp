#version 460
// 8-bit pixels from and to tensors. A thread takes four values: one word of the pixels, whose memory ends with a whole word.
#extension GL_GOOGLE_include_directive : require
#include "tensors.glsl"

layout(constant_id = 0) const bool TO_PIXELS = false;
layout(constant_id = 1) const bool IS_HALF = false;

layout(local_size_x = 256) in;

layout(push_constant, scalar) uniform Arguments {
  Floats tensor;  // dense
  Words pixels;
  uint elements;
  float scale;
  float shift;
};

void main() {
  const uint word = gl_GlobalInvocationID.y * gl_NumWorkGroups.x * gl_WorkGroupSize.x + gl_GlobalInvocationID.x;
  if (word * 4 >= elements) {
    return;
  }
  uint packed = TO_PIXELS ? 0 : pixels.v[word];
  for (uint i = 0; i < 4 && word * 4 + i < elements; ++i) {
    if (TO_PIXELS) {
      const float value = (load(tensor, word * 4 + i, IS_HALF) * scale + shift) * 255.0;
      packed |= uint(roundEven(clamp(value, 0.0, 255.0))) << (8 * i);
    } else {
      store(tensor, word * 4 + i, IS_HALF, float(packed >> (8 * i) & 0xFF) * (scale / 255.0) + shift);
    }
  }
  if (TO_PIXELS) {
    pixels.v[word] = packed;
  }
}
