#include "device/cpu/attention/attention.h"

#include <algorithm>

#include "core/round_up.h"
#include "device/cpu/attention/reduced_attention.h"
#include "device/cpu/kernels.h"
#include "device/cpu/target.h"

namespace streamdiffusion::cpu {

namespace {

RowRange attended_rows(const AttentionOptions& options, std::int64_t row) {
  return options.key_rows.empty() ? RowRange{row, 1} : options.key_rows[static_cast<std::size_t>(row)];
}

/// Returns the elements of `x` from a token of a batch row on, beginning at a head's first channel.
Elements head_of(const Tensor& x, std::int64_t row, std::int64_t token, std::int64_t channel) {
  return elements_of(x) + ((row * x.shape.h * x.shape.w + token) * x.stride + channel);
}

void attend_in_f32(Workers& workers, const Tensor& q, const Tensor& k, const Tensor& v,
                   const AttentionOptions& options, const Tensor& out) {
  const std::int64_t queries = q.shape.h * q.shape.w;
  PackedHeads heads;
  heads.tokens = k.shape.h * k.shape.w;
  heads.head_dim = q.shape.c / options.heads;
  const std::int64_t key_floats = heads.key_floats();
  const std::int64_t value_floats = heads.value_floats();
  const std::int64_t key_rows = k.shape.n;
  float* keys = workers.shared_scratch(key_rows * options.heads * (key_floats + value_floats));
  float* values = keys + key_rows * options.heads * key_floats;

  workers.pool().parallel_for(key_rows * options.heads * 2, [&](std::int64_t i, int) {
    const std::int64_t index = i / 2;
    const std::int64_t row = index / options.heads;
    const std::int64_t column = index % options.heads * heads.head_dim;
    if (i % 2 == 0) {
      pack_keys(head_of(k, row, 0, column), k.stride, heads, keys + index * key_floats);
    } else {
      pack_values(head_of(v, row, 0, column), v.stride, heads, values + index * value_floats);
    }
  });

  workers.reserve_thread_scratch(attention_scratch(heads));
  const std::int64_t blocks = divide_up(queries, kAttentionQueries);
  workers.pool().parallel_for(q.shape.n * options.heads * blocks, [&](std::int64_t i, int thread) {
    const std::int64_t block = i % blocks;
    const std::int64_t head = i / blocks % options.heads;
    const std::int64_t row = i / blocks / options.heads;
    const RowRange attended = attended_rows(options, row);
    AttentionTask task;
    task.first_query = block * kAttentionQueries;
    task.queries = std::min(kAttentionQueries, queries - task.first_query);
    task.q = head_of(q, row, task.first_query, head * heads.head_dim);
    task.q_stride = q.stride;
    task.out = head_of(out, row, task.first_query, head * heads.head_dim);
    task.out_stride = out.stride;
    task.keys = keys + (attended.first * options.heads + head) * key_floats;
    task.values = values + (attended.first * options.heads + head) * value_floats;
    task.key_row_stride = options.heads * key_floats;
    task.value_row_stride = options.heads * value_floats;
    task.key_rows = attended.count;
    task.heads = heads;
    task.causal = options.causal;
    attention_task(task, workers.thread_scratch(thread));
  });
}

// Fewer keys than one block come from a prompt. One of its tokens may have much larger keys than the others,
// which share the block's int8 scale.
constexpr std::int64_t kMinInt8Keys = kReducedKeys;

bool allows_int8_keys(const AttentionOptions& options, std::int64_t keys) {
  return options.precision == Precision::int8 && keys >= kMinInt8Keys;
}

Format format_of_keys(const Workers& workers, const AttentionOptions& options, std::int64_t keys) {
  const bool use_int8 = allows_int8_keys(options, keys) && !workers.features().amx;
  return use_int8 ? Format::int8 : Format::bf16;
}

/// True if reduced precision makes attention faster on this machine: always with bf16 instructions, else only
/// with int8 keys. Causal attention is always float32.
bool gains_by_reduced_precision(const Workers& workers, const AttentionOptions& options, std::int64_t keys) {
  if (options.precision == Precision::f32 || options.causal) {
    return false;
  }
  return workers.features().bf16 || (multiplies_integers() && allows_int8_keys(options, keys));
}

void attend_in_reduced(Workers& workers, const Tensor& q, const Tensor& k, const Tensor& v,
                       const AttentionOptions& options, const Tensor& out) {
  const std::int64_t tokens = k.shape.h * k.shape.w;
  const ReducedHeads heads{.tokens = tokens,
                           .head_dim = q.shape.c / options.heads,
                           .keys = format_of_keys(workers, options, tokens),
                           .values = workers.features().bf16 ? Format::bf16 : Format::int16,
                           .features = workers.features()};
  const std::int64_t head_bytes = heads.key_bytes() + heads.value_bytes();
  auto* packed = reinterpret_cast<std::uint8_t*>(
      workers.shared_scratch(divide_up(k.shape.n * options.heads * head_bytes, std::int64_t{sizeof(float)})));
  workers.pool().parallel_for(k.shape.n * options.heads * 2, [&](std::int64_t i, int) {
    const std::int64_t index = i / 2;
    const std::int64_t row = index / options.heads;
    const std::int64_t channel = index % options.heads * heads.head_dim;
    std::uint8_t* keys = packed + index * head_bytes;
    if (i % 2 == 0) {
      pack_reduced_keys(head_of(k, row, 0, channel), k.stride, heads, keys);
    } else {
      pack_reduced_values(head_of(v, row, 0, channel), v.stride, heads, keys + heads.key_bytes());
    }
  });

  workers.reserve_thread_scratch(reduced_attention_scratch(heads));
  const std::int64_t queries = q.shape.h * q.shape.w;
  const std::int64_t blocks = divide_up(queries, kReducedQueries);
  workers.pool().parallel_for(q.shape.n * options.heads * blocks, [&](std::int64_t i, int thread) {
    const std::int64_t first = i % blocks * kReducedQueries;
    const std::int64_t head = i / blocks % options.heads;
    const std::int64_t row = i / blocks / options.heads;
    const RowRange attended = attended_rows(options, row);
    ReducedAttentionTask task;
    task.queries = std::min(kReducedQueries, queries - first);
    task.q = head_of(q, row, first, head * heads.head_dim);
    task.q_stride = q.stride;
    task.out = head_of(out, row, first, head * heads.head_dim);
    task.out_stride = out.stride;
    task.keys = packed + (attended.first * options.heads + head) * head_bytes;
    task.values = task.keys + heads.key_bytes();
    task.row_bytes = options.heads * head_bytes;
    task.key_rows = attended.count;
    task.heads = heads;
    reduced_attention_task(task, workers.thread_scratch(thread));
  });
}

}  // namespace

void attend(Workers& workers, const Tensor& q, const Tensor& k, const Tensor& v,
            const AttentionOptions& options, const Tensor& out) {
  if (gains_by_reduced_precision(workers, options, k.shape.h * k.shape.w)) {
    attend_in_reduced(workers, q, k, v, options, out);
  } else {
    attend_in_f32(workers, q, k, v, options, out);
  }
}

}  // namespace streamdiffusion::cpu
