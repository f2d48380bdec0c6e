#pragma once

#include <volk.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "device/vulkan/gpus.h"

namespace streamdiffusion::vulkan {

/// Returns the names of the features that the Vulkan device needs and `device` lacks, or "".
std::string missing_features(VkPhysicalDevice device);

/// A GPU that was opened for computing, with one queue.
class Context {
 public:
  /// Opens the GPU with this index in list_gpus(). Throws DeviceError if there is none or it lacks a feature.
  explicit Context(int index);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] const Gpu& gpu() const { return gpu_; }
  [[nodiscard]] VkDevice device() const { return device_; }
  [[nodiscard]] VkQueue queue() const { return queue_; }
  [[nodiscard]] std::uint32_t queue_family() const { return queue_family_; }
  /// The functions of Vulkan for this device, without the loader's detour.
  [[nodiscard]] const VolkDeviceTable& vk() const { return functions_; }
  /// Nanoseconds of one unit of a timestamp.
  [[nodiscard]] double timestamp_period() const { return timestamp_period_; }

 private:
  Instance instance_;
  Gpu gpu_;
  std::uint32_t queue_family_ = 0;
  double timestamp_period_ = 1;
  VkDevice device_ = nullptr;
  VkQueue queue_ = nullptr;
  VolkDeviceTable functions_{};
};
using SharedContext = std::shared_ptr<const Context>;

/// An object of a device, which is destroyed with its owner by `Destroy`, a function of VolkDeviceTable.
/// Move-only.
template <typename T, auto Destroy>
class Handle {
 public:
  Handle() = default;
  Handle(SharedContext context, T handle) : context_(std::move(context)), handle_(handle) {}
  ~Handle() {
    if (handle_ != T{}) {
      (context_->vk().*Destroy)(context_->device(), handle_, nullptr);
    }
  }
  Handle(Handle&& other) noexcept
      : context_(std::move(other.context_)), handle_(std::exchange(other.handle_, T{})) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(handle_, other.handle_);
    return *this;
  }

  [[nodiscard]] T get() const { return handle_; }

 private:
  SharedContext context_;
  T handle_{};
};

}  // namespace streamdiffusion::vulkan
