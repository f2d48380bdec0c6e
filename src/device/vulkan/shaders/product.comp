#version 460
// A convolution or a linear layer as a matrix product: the rows are output pixels, the columns output channels, and the inner
// dimension runs over the kernel's positions (taps) and the input channels. The input's matrix is never written: a tile of it is
// gathered from the image (implicit im2col).
#extension GL_GOOGLE_include_directive : require
#include "tensors.glsl"

layout(constant_id = 0) const uint THREADS = 128;  // (TILE_M / THREAD_M) * (TILE_N / THREAD_N)
layout(constant_id = 1) const uint TILE_M = 64;    // Rows and columns that a workgroup computes.
layout(constant_id = 2) const uint TILE_N = 64;
layout(constant_id = 3) const uint THREAD_M = 8;  // Rows and columns that a thread computes.
layout(constant_id = 4) const uint THREAD_N = 4;
layout(constant_id = 5) const uint KERNEL = 1;
layout(constant_id = 6) const uint STEP = 1;        // 2 for an output of half the size.
layout(constant_id = 7) const uint UPSAMPLING = 1;  // 2 for an input that is read as if upsampled.
layout(constant_id = 8) const uint ACTIVATION = 0;
layout(constant_id = 9) const bool GEGLU = false;    // Columns 2 i and 2 i + 1 are value and gate of output channel i.
layout(constant_id = 10) const bool IN_QUADS = false;  // True if four input channels can be loaded at once.
layout(constant_id = 11) const bool HALF_X = false;
layout(constant_id = 12) const bool HALF_WEIGHTS = false;
layout(constant_id = 13) const bool HALF_ROW_BIAS = false;
layout(constant_id = 14) const bool HALF_RESIDUAL = false;
layout(constant_id = 15) const bool HALF_OUT = false;
layout(constant_id = 16) const bool HAS_BIAS = false;
layout(constant_id = 17) const bool HAS_ROW_BIAS = false;
layout(constant_id = 18) const bool HAS_RESIDUAL = false;

layout(local_size_x_id = 0) in;

layout(push_constant, scalar) uniform Arguments {
  Floats x;
  Floats weights;  // [tap][in][columns], columns rounded up to quads with zeros
  Floats bias;     // [columns], float32
  Floats row_bias;
  Floats residual;
  Floats out_;
  uint rows;  // output pixels
  uint columns;
  uint in_channels;
  uint in_height;
  uint in_width;
  uint out_height;
  uint out_width;
  uint padding;
  uint x_stride;
  uint row_bias_stride;
  uint residual_stride;
  uint out_stride;
};

const uint TILE_K = 16;
const uint QUADS_K = TILE_K / 4;
const uint LOADS_A = (TILE_M * QUADS_K + THREADS - 1) / THREADS;
const uint LOADS_B = (TILE_K * TILE_N / 4 + THREADS - 1) / THREADS;
const uint OUTSIDE = 0xFFFFFFFF;

shared float tile_a[TILE_K * TILE_M];        // [k][row]
shared vec4 tile_b[TILE_K * TILE_N / 4];     // [k][column]

// Returns the index of the first channel of the pixel that a tap reads, or OUTSIDE if that is padding.
uint pixel_of(uint row, uint tap) {
  if (row >= rows) {
    return OUTSIDE;
  }
  const uint image = row / (out_height * out_width);
  const uint y = row / out_width % out_height * STEP + tap / KERNEL - padding;  // Negative values wrap to large ones.
  const uint x_ = row % out_width * STEP + tap % KERNEL - padding;
  // An upsampled image ends where the output ends, also where that is a line or column short.
  if (y >= (UPSAMPLING == 2 ? out_height : in_height) || x_ >= (UPSAMPLING == 2 ? out_width : in_width)) {
    return OUTSIDE;
  }
  return ((image * in_height + y / UPSAMPLING) * in_width + x_ / UPSAMPLING) * x_stride;
}

vec4 load_input(uint pixel, uint channel) {
  if (pixel == OUTSIDE || channel >= in_channels) {
    return vec4(0);
  }
  if (IN_QUADS) {
    return load_quad(x, pixel + channel, HALF_X);
  }
  vec4 quad = vec4(0);
  [[unroll]] for (uint i = 0; i < 4; ++i) {
    if (channel + i < in_channels) {
      quad[i] = load(x, pixel + channel + i, HALF_X);
    }
  }
  return quad;
}

float accumulators[THREAD_M * THREAD_N];

void multiply_tiles(uint first_row, uint first_column) {
  for (uint k = 0; k < TILE_K; ++k) {
    float a[THREAD_M];
    [[unroll]] for (uint i = 0; i < THREAD_M; ++i) {
      a[i] = tile_a[k * TILE_M + first_row + i];
    }
    [[unroll]] for (uint j = 0; j < THREAD_N / 4; ++j) {
      const vec4 b = tile_b[(k * TILE_N + first_column) / 4 + j];
      [[unroll]] for (uint i = 0; i < THREAD_M; ++i) {
        [[unroll]] for (uint l = 0; l < 4; ++l) {
          accumulators[i * THREAD_N + j * 4 + l] += a[i] * b[l];
        }
      }
    }
  }
}

void write_result(uint row, uint channel, float value) {
  const uint image = row / (out_height * out_width);
  if (HAS_ROW_BIAS) {
    value += load(row_bias, image * row_bias_stride + channel, HALF_ROW_BIAS);
  }
  if (HAS_RESIDUAL) {
    value += load(residual, row * residual_stride + channel, HALF_RESIDUAL);
  }
  store(out_, row * out_stride + channel, HALF_OUT, activate(ACTIVATION, value));
}

void main() {
  const uint thread = gl_LocalInvocationIndex;
  const uint tile_row = (gl_WorkGroupID.z * gl_NumWorkGroups.x + gl_WorkGroupID.x) * TILE_M;
  const uint tile_column = gl_WorkGroupID.y * TILE_N;
  const uint padded_columns = (columns + 3) / 4 * 4;
  const uint thread_column = thread % (TILE_N / THREAD_N) * THREAD_N;
  const uint thread_row = thread / (TILE_N / THREAD_N) * THREAD_M;
  [[unroll]] for (uint i = 0; i < THREAD_M * THREAD_N; ++i) {
    accumulators[i] = 0;
  }

  for (uint tap = 0; tap < KERNEL * KERNEL; ++tap) {
    uint pixels[LOADS_A];
    [[unroll]] for (uint l = 0; l < LOADS_A; ++l) {
      pixels[l] = pixel_of(tile_row + (l * THREADS + thread) / QUADS_K, tap);
    }
    for (uint first = 0; first < in_channels; first += TILE_K) {
      [[unroll]] for (uint l = 0; l < LOADS_A; ++l) {
        const uint place = l * THREADS + thread;
        const uint row = place / QUADS_K;
        const uint k = place % QUADS_K * 4;
        if (TILE_M * QUADS_K % THREADS == 0 || row < TILE_M) {
          const vec4 quad = load_input(pixels[l], first + k);
          [[unroll]] for (uint i = 0; i < 4; ++i) {
            tile_a[(k + i) * TILE_M + row] = quad[i];
          }
        }
      }
      [[unroll]] for (uint l = 0; l < LOADS_B; ++l) {
        const uint place = l * THREADS + thread;
        const uint k = place / (TILE_N / 4);
        const uint column = tile_column + place % (TILE_N / 4) * 4;
        if (TILE_K * TILE_N / 4 % THREADS == 0 || k < TILE_K) {
          const bool inside = first + k < in_channels && column < padded_columns;
          const uint at = (tap * in_channels + first + k) * padded_columns + column;
          tile_b[place] = inside ? load_quad(weights, at, HALF_WEIGHTS) : vec4(0);
        }
      }
      barrier();
      multiply_tiles(thread_row, thread_column);
      barrier();
    }
  }

  [[unroll]] for (uint i = 0; i < THREAD_M; ++i) {
    const uint row = tile_row + thread_row + i;
    if (row >= rows) {
      return;
    }
    [[unroll]] for (uint j = 0; j < THREAD_N; ++j) {
      const uint column = tile_column + thread_column + j;
      if (column >= columns) {
        break;
      }
      float value = accumulators[i * THREAD_N + j];
      if (HAS_BIAS) {
        value += bias.v[column];
      }
      if (!GEGLU) {
        write_result(row, column, value);
      } else if (j % 2 == 0) {
        float gate = accumulators[i * THREAD_N + j + 1];
        if (HAS_BIAS) {
          gate += bias.v[column + 1];
        }
        write_result(row, column / 2, value * gelu(gate));
      }
    }
  }
}
