#version 460
// Reorders weights from PyTorch's [out][in][tap] to [tap][in][column] as product.comp reads them. A thread writes one element. The
// host sends some output channels at a time.
#extension GL_GOOGLE_include_directive : require
#include "tensors.glsl"

layout(constant_id = 0) const bool HALF_OUT = false;
layout(constant_id = 1) const bool GEGLU = false;  // Values and gates alternate in the columns.

layout(local_size_x = 256) in;

layout(push_constant, scalar) uniform Arguments {
  Floats weight;  // those of `count` output channels from `first` on
  Floats out_;
  uint first;
  uint count;
  uint out_channels;
  uint in_channels;
  uint taps;
  uint padded_columns;
};

void main() {
  const uint i = gl_GlobalInvocationID.y * gl_NumWorkGroups.x * gl_WorkGroupSize.x + gl_GlobalInvocationID.x;
  // The last channel also writes the zeros of the columns that were added.
  const uint columns = first + count == out_channels ? padded_columns - first : count;
  if (i >= columns * in_channels * taps) {
    return;
  }
  const uint out_channel = first + i % columns;
  const uint in_channel = i / columns % in_channels;
  const uint tap = i / columns / in_channels;
  const bool inside = out_channel < out_channels;
  const float value = inside ? weight.v[((out_channel - first) * in_channels + in_channel) * taps + tap] : 0;
  const uint half_ = out_channels / 2;
  const uint column = !GEGLU || !inside ? out_channel
                      : out_channel < half_ ? out_channel * 2
                                            : (out_channel - half_) * 2 + 1;
  store(out_, (tap * in_channels + in_channel) * padded_columns + column, HALF_OUT, value);
}
