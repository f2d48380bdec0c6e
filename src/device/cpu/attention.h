#pragma once

#include "device/cpu/scratch.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Device::attention: FlashAttention's way, a block of queries after the other. In bfloat16 with float32 sums
/// and softmax where the options ask for less than float32 and the processor has AMX.
void attend(Workers& workers, const Tensor& q, const Tensor& k, const Tensor& v,
            const AttentionOptions& options, const Tensor& out);

}  // namespace streamdiffusion::cpu
