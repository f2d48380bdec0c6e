#pragma once

#include <functional>

#include "device/timestamp.h"
#include "device/vulkan/context.h"
#include "device/vulkan/queue.h"

namespace streamdiffusion::vulkan {

/// A timestamp that the GPU writes.
class GpuTimestamp final : public Timestamp {
 public:
  /// `begin` is called before the timestamp is added to the queue, to add what the device holds back.
  GpuTimestamp(SharedContext context, Queue& queue, std::function<void()> begin);

  void record() override;
  [[nodiscard]] double seconds_since(const Timestamp& earlier) const override;

 private:
  /// The GPU's clock when it had run the commands before, in its own units.
  [[nodiscard]] std::uint64_t ticks() const;

  SharedContext context_;
  Queue& queue_;
  std::function<void()> begin_;
  Handle<VkQueryPool, &VolkDeviceTable::vkDestroyQueryPool> pool_;
};

}  // namespace streamdiffusion::vulkan
