#include "device/vulkan/gpus.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "device/vulkan/context.h"
#include "device/vulkan/errors.h"

namespace streamdiffusion::vulkan {

namespace {

void open_loader() {
  static const VkResult status = volkInitialize();
  if (status != VK_SUCCESS) {
    throw DeviceError(
        "Vulkan cannot be used: its loader, libvulkan.so.1, is not installed (Debian's package libvulkan1, "
        "and a driver "
        "such as mesa-vulkan-drivers); or use the device \"cpu\"");
  }
}

int rank_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 0;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 1;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return 3;
    default:
      return 2;
  }
}

std::size_t memory_of(VkPhysicalDevice device) {
  VkPhysicalDeviceMemoryProperties memory{};
  vkGetPhysicalDeviceMemoryProperties(device, &memory);
  VkDeviceSize largest = 0;
  for (std::uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
    if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0) {
      largest = std::max(largest, memory.memoryHeaps[i].size);
    }
  }
  return largest;
}

Gpu describe(VkPhysicalDevice device) {
  VkPhysicalDeviceDriverProperties driver{};
  driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
  VkPhysicalDeviceProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  properties.pNext = &driver;
  vkGetPhysicalDeviceProperties(device, &properties.properties);
  if (properties.properties.apiVersion >= VK_API_VERSION_1_2) {
    vkGetPhysicalDeviceProperties2(device, &properties);
  }
  const VkPhysicalDeviceType type = properties.properties.deviceType;
  return {.handle = device,
          .description = {.name = properties.properties.deviceName,
                          .driver = std::string(driver.driverName) + " " + driver.driverInfo,
                          .memory = memory_of(device),
                          .is_discrete = type == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
                          .is_software = type == VK_PHYSICAL_DEVICE_TYPE_CPU,
                          .missing = missing_features(device)}};
}

}  // namespace

Instance::Instance() {
  open_loader();
  VkApplicationInfo application{};
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.pApplicationName = "streamdiffusion";
  application.apiVersion = VK_API_VERSION_1_2;
  VkInstanceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  info.pApplicationInfo = &application;
  const VkResult status = vkCreateInstance(&info, nullptr, &instance_);
  if (status == VK_ERROR_INCOMPATIBLE_DRIVER) {
    throw DeviceError(
        "Vulkan cannot be used: there is no driver (Debian's package mesa-vulkan-drivers has those for AMD "
        "and "
        "Intel, NVIDIA's driver brings its own); or use the device \"cpu\"");
  }
  check(status, "starting Vulkan");
  // volk keeps the functions in variables of the process. The loader's functions serve all instances.
  static std::once_flag once;
  std::call_once(once, [this] { volkLoadInstanceOnly(instance_); });
}

Instance::~Instance() { vkDestroyInstance(instance_, nullptr); }

std::vector<Gpu> list_gpus(const Instance& instance) {
  std::uint32_t count = 0;
  check(vkEnumeratePhysicalDevices(instance.get(), &count, nullptr), "looking for GPUs");
  std::vector<VkPhysicalDevice> devices(count);
  check(vkEnumeratePhysicalDevices(instance.get(), &count, devices.data()), "looking for GPUs");
  devices.resize(count);
  std::ranges::stable_sort(devices, {}, [](VkPhysicalDevice device) {
    VkPhysicalDeviceProperties properties{};
    vkGetPhysicalDeviceProperties(device, &properties);
    return rank_of(properties.deviceType);
  });
  std::vector<Gpu> gpus;
  std::ranges::transform(devices, std::back_inserter(gpus), describe);
  return gpus;
}

}  // namespace streamdiffusion::vulkan
