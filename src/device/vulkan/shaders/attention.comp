#version 460
// Attention without a matrix of all scores (FlashAttention: Dao et al. 2022, arXiv 2205.14135). A workgroup computes one head of
// QUERIES tokens of a row. It takes KEYS keys at a time and keeps the sums of weighted values, which it rescales where a higher
// score turns up (online softmax).
#extension GL_GOOGLE_include_directive : require
#include "tensors.glsl"

layout(constant_id = 0) const uint DIMENSION = 64;  // Channels of a head.
layout(constant_id = 1) const bool CAUSAL = false;
layout(constant_id = 2) const bool HALF_Q = false;
layout(constant_id = 3) const bool HALF_K = false;
layout(constant_id = 4) const bool HALF_V = false;
layout(constant_id = 5) const bool HALF_OUT = false;

const uint QUERIES = 16;
const uint KEYS = 32;
const uint THREADS_PER_QUERY = 8;
const uint SCORES_PER_THREAD = KEYS / THREADS_PER_QUERY;
const uint DEPTH = 32;  // Channels of queries and keys in shared memory at a time.
const uint WIDTH = 64;  // Channels of values in shared memory at a time.
const uint VALUES_PER_THREAD = WIDTH / THREADS_PER_QUERY;
const uint CHUNKS = (DIMENSION + WIDTH - 1) / WIDTH;

layout(local_size_x = QUERIES * THREADS_PER_QUERY) in;

layout(push_constant, scalar) uniform Arguments {
  Floats q;
  Floats k;
  Floats v;
  Floats out_;
  uint queries;         // tokens in a row of q
  uint key_tokens;      // tokens in a row of k
  uint keys;            // tokens that a row of q attends to
  uint first_key_row;   // row of k that the first row of q attends to first
  uint key_row_step;    // the next row of q attends first to this many rows further on
  uint q_stride;
  uint k_stride;
  uint v_stride;
  uint out_stride;
  uint first_row;  // of q
  float scale;
};

// Padded by one, so that neighbouring threads use different banks of shared memory.
shared float query_tile[QUERIES * (DEPTH + 1)];
shared float key_tile[KEYS * (DEPTH + 1)];
shared float value_tile[KEYS * WIDTH];
shared float weights[QUERIES * (KEYS + 1)];

void main() {
  const uint thread = gl_LocalInvocationIndex;
  const uint query = thread / THREADS_PER_QUERY;
  const uint lane = thread % THREADS_PER_QUERY;
  const uint first_query = gl_WorkGroupID.x * QUERIES;
  const uint channel = gl_WorkGroupID.y * DIMENSION;
  const uint row = first_row + gl_WorkGroupID.z;
  const uint q_start = row * queries * q_stride + channel;
  const uint key_start = (first_key_row + gl_WorkGroupID.z * key_row_step) * key_tokens;

  float sums[CHUNKS * VALUES_PER_THREAD];
  [[unroll]] for (uint i = 0; i < CHUNKS * VALUES_PER_THREAD; ++i) {
    sums[i] = 0;
  }
  const float LOWEST = -3.4e38;
  float highest = LOWEST;
  float total = 0;

  for (uint first_key = 0; first_key < keys; first_key += KEYS) {
    float scores[SCORES_PER_THREAD];
    [[unroll]] for (uint i = 0; i < SCORES_PER_THREAD; ++i) {
      scores[i] = 0;
    }
    for (uint depth = 0; depth < DIMENSION; depth += DEPTH) {
      for (uint i = thread; i < QUERIES * DEPTH; i += gl_WorkGroupSize.x) {
        const uint token = first_query + i / DEPTH;
        const uint c = depth + i % DEPTH;
        const bool inside = token < queries && c < DIMENSION;
        query_tile[i / DEPTH * (DEPTH + 1) + i % DEPTH] = inside ? load(q, q_start + token * q_stride + c, HALF_Q) : 0;
      }
      for (uint i = thread; i < KEYS * DEPTH; i += gl_WorkGroupSize.x) {
        const uint token = first_key + i / DEPTH;
        const uint c = depth + i % DEPTH;
        const bool inside = token < keys && c < DIMENSION;
        key_tile[i / DEPTH * (DEPTH + 1) + i % DEPTH] =
            inside ? load(k, (key_start + token) * k_stride + channel + c, HALF_K) : 0;
      }
      barrier();
      for (uint c = 0; c < DEPTH; ++c) {
        const float one = query_tile[query * (DEPTH + 1) + c];
        [[unroll]] for (uint i = 0; i < SCORES_PER_THREAD; ++i) {
          scores[i] += one * key_tile[(lane + i * THREADS_PER_QUERY) * (DEPTH + 1) + c];
        }
      }
      barrier();
    }

    [[unroll]] for (uint i = 0; i < SCORES_PER_THREAD; ++i) {
      const uint key = lane + i * THREADS_PER_QUERY;
      const uint token = first_key + key;
      const bool visible = token < keys && (!CAUSAL || token % key_tokens <= first_query + query);
      weights[query * (KEYS + 1) + key] = visible ? scores[i] * scale : LOWEST;
    }
    barrier();
    float highest_now = highest;
    for (uint key = 0; key < KEYS; ++key) {
      highest_now = max(highest_now, weights[query * (KEYS + 1) + key]);
    }
    barrier();
    [[unroll]] for (uint i = 0; i < SCORES_PER_THREAD; ++i) {
      const uint at = query * (KEYS + 1) + lane + i * THREADS_PER_QUERY;
      // A hidden key counts nothing, also where all keys so far are hidden.
      weights[at] = weights[at] == LOWEST ? 0 : exp(weights[at] - highest_now);
    }
    barrier();
    const float rescaling = exp(highest - highest_now);
    highest = highest_now;
    total *= rescaling;
    for (uint key = 0; key < KEYS; ++key) {
      total += weights[query * (KEYS + 1) + key];
    }
    [[unroll]] for (uint chunk = 0; chunk < CHUNKS; ++chunk) {
      for (uint i = thread; i < KEYS * WIDTH; i += gl_WorkGroupSize.x) {
        const uint token = first_key + i / WIDTH;
        const uint c = chunk * WIDTH + i % WIDTH;
        const bool inside = token < keys && c < DIMENSION;
        value_tile[i] = inside ? load(v, (key_start + token) * v_stride + channel + c, HALF_V) : 0;
      }
      barrier();
      [[unroll]] for (uint i = 0; i < VALUES_PER_THREAD; ++i) {
        sums[chunk * VALUES_PER_THREAD + i] *= rescaling;
      }
      for (uint key = 0; key < KEYS; ++key) {
        const float weight = weights[query * (KEYS + 1) + key];
        [[unroll]] for (uint i = 0; i < VALUES_PER_THREAD; ++i) {
          sums[chunk * VALUES_PER_THREAD + i] += weight * value_tile[key * WIDTH + lane + i * THREADS_PER_QUERY];
        }
      }
      barrier();
    }
  }

  if (first_query + query >= queries) {
    return;
  }
  [[unroll]] for (uint i = 0; i < CHUNKS * VALUES_PER_THREAD; ++i) {
    const uint c = i / VALUES_PER_THREAD * WIDTH + i % VALUES_PER_THREAD * THREADS_PER_QUERY + lane;
    if (c < DIMENSION) {
      const uint at = (row * queries + first_query + query) * out_stride + channel + c;
      store(out_, at, HALF_OUT, sums[i] / total);
    }
  }
}
