#include "device/vulkan/context.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "device/vulkan/errors.h"

namespace streamdiffusion::vulkan {

namespace {

/// The features that the shaders and the queue use, as Vulkan's chained structures. Not movable, because they
/// point to each other.
struct Features {
  VkPhysicalDeviceVulkan12Features vulkan12{};
  VkPhysicalDeviceVulkan11Features vulkan11{};
  VkPhysicalDeviceFeatures2 all{};

  Features() {
    vulkan12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
    vulkan11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
    vulkan11.pNext = &vulkan12;
    all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    all.pNext = &vulkan11;
  }
  Features(const Features&) = delete;
  Features& operator=(const Features&) = delete;
};

struct NeededFeature {
  const char* name;
  VkBool32& (*value)(Features&);
};

constexpr std::array kNeeded{
    NeededFeature{"bufferDeviceAddress",
                  [](Features& f) -> VkBool32& { return f.vulkan12.bufferDeviceAddress; }},
    NeededFeature{"timelineSemaphore", [](Features& f) -> VkBool32& { return f.vulkan12.timelineSemaphore; }},
    NeededFeature{"scalarBlockLayout", [](Features& f) -> VkBool32& { return f.vulkan12.scalarBlockLayout; }},
    NeededFeature{"storageBuffer16BitAccess",
                  [](Features& f) -> VkBool32& { return f.vulkan11.storageBuffer16BitAccess; }},
};

std::optional<std::uint32_t> compute_queue_of(VkPhysicalDevice device) {
  std::uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  for (std::uint32_t i = 0; i < count; ++i) {
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) != 0 && families[i].timestampValidBits > 0) {
      return i;
    }
  }
  return std::nullopt;
}

/// Returns the GPU of this index, and checks that it can be used.
Gpu choose_gpu(const Instance& instance, int index) {
  std::vector<Gpu> gpus = list_gpus(instance);
  if (index < 0 || static_cast<std::size_t>(index) >= gpus.size()) {
    throw DeviceError("there is no Vulkan device " + std::to_string(index) + ": this machine has " +
                      std::to_string(gpus.size()) + "; the first is vulkan:0");
  }
  Gpu& gpu = gpus[static_cast<std::size_t>(index)];
  if (!gpu.description.missing.empty()) {
    throw DeviceError(gpu.description.name + " cannot be used: it lacks " + gpu.description.missing +
                      "; a newer driver may have it, or use the device \"cpu\"");
  }
  return std::move(gpu);
}

}  // namespace

std::string missing_features(VkPhysicalDevice device) {
  VkPhysicalDeviceProperties properties{};
  vkGetPhysicalDeviceProperties(device, &properties);
  if (properties.apiVersion < VK_API_VERSION_1_2) {
    return "Vulkan 1.2";
  }
  Features features;
  vkGetPhysicalDeviceFeatures2(device, &features.all);
  std::string missing;
  for (const NeededFeature& needed : kNeeded) {
    if (needed.value(features) == VK_FALSE) {
      missing += (missing.empty() ? "" : ", ") + std::string(needed.name);
    }
  }
  if (!compute_queue_of(device)) {
    missing += (missing.empty() ? "" : ", ") + std::string("a queue for computing with timestamps");
  }
  return missing;
}

Context::Context(int index)
    : gpu_(choose_gpu(instance_, index)), queue_family_(compute_queue_of(gpu_.handle).value_or(0)) {
  VkPhysicalDeviceProperties properties{};
  vkGetPhysicalDeviceProperties(gpu_.handle, &properties);
  timestamp_period_ = static_cast<double>(properties.limits.timestampPeriod);

  Features features;
  for (const NeededFeature& needed : kNeeded) {
    needed.value(features) = VK_TRUE;
  }
  const float priority = 1.0F;
  VkDeviceQueueCreateInfo queue{};
  queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue.queueFamilyIndex = queue_family_;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkDeviceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  info.pNext = &features.all;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  check(vkCreateDevice(gpu_.handle, &info, nullptr, &device_), "opening " + gpu_.description.name);
  volkLoadDeviceTable(&functions_, device_);
  functions_.vkGetDeviceQueue(device_, queue_family_, 0, &queue_);
}

Context::~Context() { functions_.vkDestroyDevice(device_, nullptr); }

}  // namespace streamdiffusion::vulkan
