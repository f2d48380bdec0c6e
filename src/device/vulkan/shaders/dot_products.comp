#version 460
// Parts of the three sums that a cosine similarity consists of: x y, x x and y y. Each workgroup writes its own part.
#extension GL_GOOGLE_include_directive : require
#include "tensors.glsl"

layout(local_size_x = 256) in;
#include "reduce.glsl"

layout(constant_id = 0) const bool HALF_X = false;
layout(constant_id = 1) const bool HALF_Y = false;

layout(push_constant, scalar) uniform Arguments {
  Floats x;  // dense, as y
  Floats y;
  Floats sums;  // [workgroup][3]
  uint elements;
};

void main() {
  vec3 products = vec3(0);
  const uint threads = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
  for (uint i = gl_GlobalInvocationID.x; i < elements; i += threads) {
    const float a = load(x, i, HALF_X);
    const float b = load(y, i, HALF_Y);
    products += vec3(a * b, a * a, b * b);
  }
  for (uint i = 0; i < 3; ++i) {
    const float sum = sum_of_all(products[i]);
    if (gl_LocalInvocationIndex == 0) {
      sums.v[gl_WorkGroupID.x * 3 + i] = sum;
    }
  }
}
