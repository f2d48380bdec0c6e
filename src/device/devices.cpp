#include "device/devices.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "device/counting_device.h"
#include "device/cpu/cpu_device.h"
#include "device/cpu/instruction_set.h"
#include "device/cuda/module.h"
#include "posix/graphics_cards.h"
#include "posix/shared_library.h"
#include "streamdiffusion/devices.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/version.h"

namespace streamdiffusion {

namespace {

#ifdef STREAMDIFFUSION_CUDA
constexpr bool kBuiltWithCuda = true;
#else
constexpr bool kBuiltWithCuda = false;
#endif

constexpr std::string_view kLimitedCpu = "cpu:";

/// Loads the CUDA device's library, which stays loaded. Throws Error with the reason if it cannot be used.
const cuda::Module& cuda_module() {
  if (!kBuiltWithCuda) {
    throw DeviceError(
        "streamdiffusion was built without CUDA; build it where NVIDIA's toolkit and cuDNN are "
        "(docs/cuda.md), or use the device \"cpu\"");
  }
  void* function = nullptr;
  try {
    // Opens the driver first, because without it loading cuBLAS and cuDNN would be wasted time.
    posix::open_library_function("libcuda.so.1", "cuInit");
    function = posix::open_library_function(cuda::kModuleFile, cuda::kModuleFunction);
  } catch (const Error& error) {
    throw DeviceError(std::string("CUDA cannot be used: ") + error.what() +
                      "; NVIDIA's driver, cuDNN 9 and cuBLAS are needed (docs/cuda.md says where from), "
                      "or use the device \"cpu\"");
  }
  const cuda::Module* const module = reinterpret_cast<cuda::ModuleFunction*>(function)(version().c_str());
  if (module == nullptr) {
    throw DeviceError(std::string("CUDA cannot be used: ") + cuda::kModuleFile +
                      " belongs to another version of streamdiffusion; install both from one build");
  }
  return *module;
}

/// Returns N for "cuda:N" and 0 for "cuda"; nullopt for other names.
std::optional<int> gpu_index(const std::string& name) {
  const std::string prefix = "cuda:";
  if (name == "cuda") {
    return 0;
  }
  int index = 0;
  const char* const end = name.data() + name.size();
  if (!name.starts_with(prefix) || name.size() == prefix.size()) {
    return std::nullopt;
  }
  const auto [last, error] = std::from_chars(name.data() + prefix.size(), end, index);
  return error == std::errc() && last == end && index >= 0 ? std::optional(index) : std::nullopt;
}

ChosenDevice choose_cuda(int index, const std::string& precision) {
  const auto activations = [&] {
    if (precision == "auto" || precision == "f16") {
      return DType::f16;
    }
    if (precision == "bf16") {
      return DType::bf16;
    }
    if (precision == "f32") {
      return DType::f32;
    }
    throw ArgumentError("precision \"" + precision + "\" is not known to CUDA: use auto, f16, bf16 or f32");
  };
  return {
      .device = cuda_module().make(index, activations()), .precision = Precision::f32, .why_not_cuda = {}};
}

ChosenDevice choose_cpu(const DeviceChoice& choice) {
  if (choice.threads < 0) {
    throw ArgumentError("threads is " + std::to_string(choice.threads) +
                        ", must be 0 (one for each processor) or more");
  }
  const auto precision = [&] {
    if (choice.precision == "auto" || choice.precision == "f32") {
      return Precision::f32;
    }
    if (choice.precision == "bf16") {
      return Precision::bf16;
    }
    if (choice.precision == "int8") {
      return Precision::int8;
    }
    throw ArgumentError("precision \"" + choice.precision +
                        "\" is not known to the CPU: use auto, f32, bf16 or int8");
  };
  const Precision chosen = precision();
  const cpu::Features features = choice.device.starts_with(kLimitedCpu)
                                     ? cpu::features_within(choice.device.substr(kLimitedCpu.size()))
                                     : cpu::Features::detect();
  return {.device = make_cpu_device(choice.threads, features, cpu_activations(chosen, features)),
          .precision = chosen,
          .why_not_cuda = {}};
}

/// True if only the CPU device has this precision.
bool is_cpu_only_precision(const std::string& precision) { return precision == "int8"; }

/// True if the machine has an NVIDIA card, whether usable or not.
bool has_nvidia_card() {
  return std::ranges::any_of(posix::list_graphics_cards(), [](const posix::GraphicsCard& card) {
    return card.driver == "nvidia" || card.name.find("NVIDIA") != std::string::npos;
  });
}

}  // namespace

ChosenDevice choose_device(const DeviceChoice& choice) {
  if (choice.device == "cpu" || choice.device.starts_with(kLimitedCpu)) {
    return choose_cpu(choice);
  }
  if (choice.device == "counting") {
    auto counting = std::make_unique<CountingDevice>();
    const CountingDevice* const counter = counting.get();
    return {
        .device = std::move(counting), .precision = Precision::f32, .counting = counter, .why_not_cuda = {}};
  }
  if (const std::optional<int> index = gpu_index(choice.device)) {
    return choose_cuda(*index, choice.precision);
  }
  if (choice.device != "auto") {
    throw DeviceError("device \"" + choice.device + "\" is not known: use auto, cpu, cuda or cuda:N");
  }
  if (!kBuiltWithCuda || is_cpu_only_precision(choice.precision)) {
    return choose_cpu(choice);
  }
  const ComputeDevices found = list_compute_devices();
  if (!found.gpus.empty()) {
    return choose_cuda(0, choice.precision);
  }
  ChosenDevice chosen = choose_cpu(choice);
  if (has_nvidia_card()) {
    chosen.why_not_cuda = found.problem;
  }
  return chosen;
}

ComputeDevices list_compute_devices() {
  ComputeDevices found;
  try {
    for (const cuda::Gpu& gpu : cuda_module().list()) {
      found.gpus.push_back({.device = "cuda:" + std::to_string(found.gpus.size()),
                            .name = gpu.name,
                            .memory_bytes = gpu.memory,
                            .compute_capability = std::to_string(gpu.major) + "." + std::to_string(gpu.minor),
                            .bus_id = gpu.bus_id});
    }
    found.problem = found.gpus.empty() ? "this machine has no NVIDIA GPU" : "";
  } catch (const Error& error) {
    found.problem = error.what();
  }
  return found;
}

}  // namespace streamdiffusion
