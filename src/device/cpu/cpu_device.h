#pragma once

#include <memory>

#include "device/cpu/features.h"
#include "device/device.h"

namespace streamdiffusion {

/// The CPU, on `threads` threads (0: one a processor), with the best instruction set that the machine has,
/// and of `features` what goes with it. Activations are float32 or bfloat16; it computes with them in
/// float32, but for layers packed in less.
std::unique_ptr<Device> make_cpu_device(int threads, const cpu::Features& features = cpu::Features::detect(),
                                        DType activations = DType::f32);

/// What networks of a precision are best given for their activations: where products are as fast as those of
/// bytes, or as AVX512_BF16 and AMX make them, it is memory that layers wait for.
DType cpu_activations(Precision precision, const cpu::Features& features = cpu::Features::detect());

}  // namespace streamdiffusion
