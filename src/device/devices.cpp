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
#include "device/vulkan/vulkan_device.h"
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
constexpr std::string_view kCuda = "cuda";
constexpr std::string_view kVulkan = "vulkan";

std::string name_of(std::string_view api, std::ptrdiff_t index) {
  return std::string(api) + ":" + std::to_string(index);
}

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

/// Returns N for "NAME:N" and 0 for "NAME", where NAME is `api`; nullopt for other names.
std::optional<int> gpu_index(std::string_view name, std::string_view api) {
  if (name == api) {
    return 0;
  }
  if (!name.starts_with(api) || name.size() < api.size() + 2 || name[api.size()] != ':') {
    return std::nullopt;
  }
  int index = 0;
  const char* const end = name.data() + name.size();
  const auto [last, error] = std::from_chars(name.data() + api.size() + 1, end, index);
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
  return {.device = cuda_module().make(index, activations()), .precision = Precision::f32, .why_no_gpu = {}};
}

#ifdef STREAMDIFFUSION_VULKAN
std::vector<vulkan::GpuDescription> list_vulkan_gpus() { return vulkan::describe_gpus(); }

std::unique_ptr<Device> make_vulkan_device(int index, DType type) {
  return vulkan::make_vulkan_device(index, type);
}
#else
std::vector<vulkan::GpuDescription> list_vulkan_gpus() {
  throw DeviceError(
      "streamdiffusion was built without Vulkan; build it where Vulkan's headers, volk and glslc are "
      "(docs/gpu.md), or use the device \"cpu\"");
}

std::unique_ptr<Device> make_vulkan_device(int /*index*/, DType /*type*/) {
  list_vulkan_gpus();
  return nullptr;
}
#endif

ChosenDevice choose_vulkan(int index, const std::string& precision) {
  const auto activations = [&] {
    if (precision == "auto" || precision == "f16") {
      return DType::f16;
    }
    if (precision == "f32") {
      return DType::f32;
    }
    throw ArgumentError("precision \"" + precision + "\" is not known to Vulkan: use auto, f16 or f32");
  };
  return {.device = make_vulkan_device(index, activations()), .why_no_gpu = {}};
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
          .why_no_gpu = {}};
}

/// Adds the GPUs that CUDA can use to `gpus`. Returns the reason if there is none.
std::string list_cuda_gpus(std::vector<ComputeDevice>& gpus) {
  try {
    const std::vector<cuda::Gpu> found = cuda_module().list();
    for (const cuda::Gpu& gpu : found) {
      gpus.push_back({.device = name_of(kCuda, &gpu - found.data()),
                      .name = gpu.name,
                      .memory_bytes = gpu.memory,
                      .compute_capability = std::to_string(gpu.major) + "." + std::to_string(gpu.minor),
                      .bus_id = gpu.bus_id,
                      .driver = "CUDA",
                      .is_discrete = true});
    }
    return found.empty() ? "this machine has no NVIDIA GPU" : "";
  } catch (const Error& error) {
    return error.what();
  }
}

/// Adds the devices that Vulkan can use to `gpus`. Returns the reason if there is none.
std::string list_vulkan_gpus(std::vector<ComputeDevice>& gpus) {
  try {
    const std::vector<vulkan::GpuDescription> found = list_vulkan_gpus();
    std::string problem = found.empty() ? "no driver knows a device" : "";
    for (const vulkan::GpuDescription& gpu : found) {
      if (!gpu.missing.empty()) {
        problem += (problem.empty() ? "" : "; ") + gpu.name + " lacks " + gpu.missing;
        continue;
      }
      gpus.push_back({.device = name_of(kVulkan, &gpu - found.data()),
                      .name = gpu.name,
                      .memory_bytes = gpu.memory,
                      .driver = gpu.driver,
                      .is_discrete = gpu.is_discrete,
                      .is_software = gpu.is_software});
    }
    return problem;
  } catch (const Error& error) {
    return error.what();
  }
}

/// True if only the CPU device has this precision.
bool is_cpu_only_precision(const std::string& precision) { return precision == "int8"; }

/// True if the machine has an NVIDIA card, whether usable or not.
bool has_nvidia_card() {
  return std::ranges::any_of(posix::list_graphics_cards(), [](const posix::GraphicsCard& card) {
    return card.driver == "nvidia" || card.name.find("NVIDIA") != std::string::npos;
  });
}

/// Chooses the device for "auto".
ChosenDevice choose_automatically(const DeviceChoice& choice) {
  // Starting CUDA and Vulkan takes longer than the first image of a small model.
  if (is_cpu_only_precision(choice.precision) || posix::list_graphics_cards().empty()) {
    return choose_cpu(choice);
  }
  std::vector<ComputeDevice> gpus;
  const std::string cuda_problem = list_cuda_gpus(gpus);
  if (!gpus.empty()) {
    return choose_cuda(0, choice.precision);
  }
  // Integrated GPUs are not chosen, because no measurement says yet that they are faster than the processor.
  list_vulkan_gpus(gpus);
  std::string problem = kBuiltWithCuda && has_nvidia_card() ? cuda_problem : "";
  if (!gpus.empty() && gpus.front().is_discrete && choice.precision != "bf16") {
    try {
      return choose_vulkan(0, choice.precision);
    } catch (const DeviceError& error) {
      problem = error.what();
    }
  }
  ChosenDevice chosen = choose_cpu(choice);
  chosen.why_no_gpu = problem;
  return chosen;
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
        .device = std::move(counting), .precision = Precision::f32, .counting = counter, .why_no_gpu = {}};
  }
  if (const std::optional<int> index = gpu_index(choice.device, kCuda)) {
    return choose_cuda(*index, choice.precision);
  }
  if (const std::optional<int> index = gpu_index(choice.device, kVulkan)) {
    return choose_vulkan(*index, choice.precision);
  }
  if (choice.device != "auto") {
    throw DeviceError("device \"" + choice.device +
                      "\" is not known: use auto, cpu, cuda, cuda:N, vulkan or vulkan:N");
  }
  return choose_automatically(choice);
}

ComputeDevices list_compute_devices() {
  ComputeDevices found;
  found.cuda_problem = list_cuda_gpus(found.gpus);
  found.vulkan_problem = list_vulkan_gpus(found.gpus);
  return found;
}

}  // namespace streamdiffusion
