#include "device/vulkan/timestamps.h"

#include <utility>

#include "device/vulkan/errors.h"

namespace streamdiffusion::vulkan {

GpuTimestamp::GpuTimestamp(SharedContext context, Queue& queue, std::function<void()> begin)
    : context_(std::move(context)), queue_(queue), begin_(std::move(begin)) {
  VkQueryPoolCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO;
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = 1;
  VkQueryPool pool = nullptr;
  check(context_->vk().vkCreateQueryPool(context_->device(), &info, nullptr, &pool), "measuring");
  pool_ = {context_, pool};
}

void GpuTimestamp::record() {
  begin_();
  CommandList& list = queue_.open_list();
  const VolkDeviceTable& vk = context_->vk();
  vk.vkCmdResetQueryPool(list.buffer(), pool_.get(), 0, 1);
  vk.vkCmdWriteTimestamp(list.buffer(), VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool_.get(), 0);
}

double GpuTimestamp::seconds_since(const Timestamp& earlier) const {
  queue_.finish();
  const std::uint64_t difference = ticks() - static_cast<const GpuTimestamp&>(earlier).ticks();
  return static_cast<double>(difference) * context_->timestamp_period() * 1e-9;
}

std::uint64_t GpuTimestamp::ticks() const {
  std::uint64_t value = 0;
  check(context_->vk().vkGetQueryPoolResults(context_->device(), pool_.get(), 0, 1, sizeof value, &value,
                                             sizeof value, VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT),
        "measuring");
  return value;
}

}  // namespace streamdiffusion::vulkan
