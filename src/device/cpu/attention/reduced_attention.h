#pragma once

#include <cstdint>

#include "device/cpu/attention/attention_task.h"
#include "device/cpu/attention/reduced_heads.h"

// Attention in reduced precision. Queries and keys are bf16 or int8 (SageAttention; Zhang et al., arXiv
// 2410.02367), softmax weights and values bf16 or int16. The bf16 formats need Features::bf16.
namespace streamdiffusion::cpu {

/// Returns the floats of scratch memory that attention_task needs.
std::int64_t attention_scratch(const ReducedHeads& heads);
/// Computes a task on the calling thread. The task must not be causal.
void attention_task(const AttentionTask& task, const ReducedHeads& heads, float* scratch);

}  // namespace streamdiffusion::cpu
