#pragma once

#include <memory>

#include "device/cpu/cache_sizes.h"
#include "device/cpu/features.h"
#include "device/device.h"

namespace streamdiffusion {

/// Creates a device that computes on the CPU with `threads` threads (0: one for each logical processor).
/// Kernels use the machine's best instruction set and those of `features` that go with it. Work is divided by
/// `caches`, on which results do not depend.
///
/// Activations are stored as `activations`, float32 or bf16. They are computed with in float32, except in
/// layers packed in a reduced precision. Throws Error if the system cannot create the threads.
std::unique_ptr<Device> make_cpu_device(int threads, const cpu::Features& features = cpu::Features::detect(),
                                        DType activations = DType::f32,
                                        const cpu::CacheSizes& caches = cpu::CacheSizes::detect());

/// Returns the fastest type of activations for networks of a precision: bf16 if products are so fast that
/// layers wait for memory (bf16 or int8 instructions), else float32.
DType cpu_activations(Precision precision, const cpu::Features& features = cpu::Features::detect());

}  // namespace streamdiffusion
