#include "device/cpu/attention/attention.h"

#include <algorithm>

#include "core/round_up.h"
#include "device/cpu/attention/float_attention.h"
#include "device/cpu/attention/reduced_attention.h"
#include "device/cpu/reduced/reduced_kernel.h"
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

/// Packs the keys and values of all heads and rows on all threads, each head's values after its keys.
/// `heads` is the layout of one.
template <typename Heads>
const std::uint8_t* pack_heads(Workers& workers, const Heads& heads, const Tensor& k, const Tensor& v) {
  const std::int64_t heads_per_row = k.shape.c / heads.head_dim;
  const std::int64_t count = k.shape.n * heads_per_row;
  const std::int64_t key_bytes = heads.key_bytes();
  const std::int64_t head_bytes = key_bytes + heads.value_bytes();
  auto* const packed = reinterpret_cast<std::uint8_t*>(
      workers.shared_scratch(divide_up(count * head_bytes, std::int64_t{sizeof(float)})));
  workers.pool().parallel_for(count * 2, [&](std::int64_t i, int) {
    const std::int64_t index = i / 2;
    const std::int64_t row = index / heads_per_row;
    const std::int64_t channel = index % heads_per_row * heads.head_dim;
    std::uint8_t* const keys = packed + index * head_bytes;
    if (i % 2 == 0) {
      pack_keys(head_of(k, row, 0, channel), k.stride, heads, keys);
    } else {
      pack_values(head_of(v, row, 0, channel), v.stride, heads, keys + key_bytes);
    }
  });
  return packed;
}

/// Packs keys and values as `heads` says, then computes blocks of queries of each head on all threads.
template <typename Heads>
void attend_as(Workers& workers, const Heads& heads, const Tensor& q, const Tensor& k, const Tensor& v,
               const AttentionOptions& options, const Tensor& out) {
  const std::uint8_t* const packed = pack_heads(workers, heads, k, v);
  const std::int64_t key_bytes = heads.key_bytes();
  const std::int64_t head_bytes = key_bytes + heads.value_bytes();
  workers.reserve_thread_scratch(attention_scratch(heads));
  const std::int64_t queries = q.shape.h * q.shape.w;
  const std::int64_t blocks = divide_up(queries, Heads::kMostQueries);
  workers.pool().parallel_for(q.shape.n * options.heads * blocks, [&](std::int64_t i, int thread) {
    const std::int64_t first = i % blocks * Heads::kMostQueries;
    const std::int64_t head = i / blocks % options.heads;
    const std::int64_t row = i / blocks / options.heads;
    const RowRange attended = attended_rows(options, row);
    const std::uint8_t* const keys = packed + (attended.first * options.heads + head) * head_bytes;
    attention_task({.q = head_of(q, row, first, head * heads.head_dim),
                    .q_stride = q.stride,
                    .out = head_of(out, row, first, head * heads.head_dim),
                    .out_stride = out.stride,
                    .queries = std::min(Heads::kMostQueries, queries - first),
                    .first_query = first,
                    .causal = options.causal,
                    .keys = keys,
                    .values = keys + key_bytes,
                    .row_bytes = options.heads * head_bytes,
                    .key_rows = attended.count},
                   heads, workers.thread_scratch(thread));
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

}  // namespace

void attend(Workers& workers, const Tensor& q, const Tensor& k, const Tensor& v,
            const AttentionOptions& options, const Tensor& out) {
  const std::int64_t tokens = k.shape.h * k.shape.w;
  const std::int64_t head_dim = q.shape.c / options.heads;
  if (gains_by_reduced_precision(workers, options, tokens)) {
    const ReducedHeads heads{.tokens = tokens,
                             .head_dim = head_dim,
                             .keys = format_of_keys(workers, options, tokens),
                             .values = workers.features().bf16 ? Format::bf16 : Format::int16,
                             .features = workers.features()};
    attend_as(workers, heads, q, k, v, options, out);
  } else {
    attend_as(workers, FloatHeads{.tokens = tokens, .head_dim = head_dim}, q, k, v, options, out);
  }
}

}  // namespace streamdiffusion::cpu
