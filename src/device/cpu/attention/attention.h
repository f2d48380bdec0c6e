#pragma once

#include "device/cpu/threads/scratch.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Implements Device::attention as FlashAttention does (Dao et al., arXiv 2205.14135): each task takes a
/// block of queries and passes over the keys with an online softmax. The softmax and its sums are float32.
///
/// Queries, keys and values are rounded to bf16 or integers if `options.precision` allows it, the attention
/// is not causal and the processor gains by it.
void attend(Workers& workers, const Tensor& q, const Tensor& k, const Tensor& v,
            const AttentionOptions& options, const Tensor& out);

}  // namespace streamdiffusion::cpu
