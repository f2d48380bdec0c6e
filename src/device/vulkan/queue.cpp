#include "device/vulkan/queue.h"

#include <array>
#include <limits>
#include <span>

#include "device/vulkan/errors.h"

namespace streamdiffusion::vulkan {

void CommandList::add_barrier(VkPipelineStageFlags before, VkAccessFlags writes, VkPipelineStageFlags behind,
                              VkAccessFlags accesses) {
  VkMemoryBarrier barrier{};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = writes;
  barrier.dstAccessMask = accesses;
  context_->vk().vkCmdPipelineBarrier(buffer_, before, behind, 0, 1, &barrier, 0, nullptr, 0, nullptr);
  hazards_.clear();
}

Queue::Queue(SharedContext context) : context_(std::move(context)) {
  const VolkDeviceTable& vk = context_->vk();
  VkCommandPoolCreateInfo pool_info{};
  pool_info.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  pool_info.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  pool_info.queueFamilyIndex = context_->queue_family();
  VkCommandPool pool = nullptr;
  check(vk.vkCreateCommandPool(context_->device(), &pool_info, nullptr, &pool), "preparing the queue");
  pool_ = {context_, pool};

  VkSemaphoreTypeCreateInfo type{};
  type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo semaphore_info{};
  semaphore_info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
  semaphore_info.pNext = &type;
  VkSemaphore timeline = nullptr;
  check(vk.vkCreateSemaphore(context_->device(), &semaphore_info, nullptr, &timeline), "preparing the queue");
  timeline_ = {context_, timeline};
}

Queue::~Queue() { context_->vk().vkDeviceWaitIdle(context_->device()); }

CommandList& Queue::open_list() {
  if (!open_) {
    VkCommandBuffer buffer = nullptr;
    if (!submitted_.empty() && has_passed(submitted_.front().moment)) {
      buffer = submitted_.front().buffer;
      submitted_.pop_front();
    } else {
      buffer = allocate_buffer();
    }
    begin(buffer, VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT);
    open_ = std::make_unique<CommandList>(*context_, buffer);
  }
  return *open_;
}

Moment Queue::submit() { return open_ ? submit_open_and(nullptr) : Moment{submissions_}; }

Moment Queue::submit(const Recording& recording) {
  const VkCommandBuffer recorded = recording.buffer();
  return open_ ? submit_open_and(recorded) : submit_all({&recorded, 1});
}

Moment Queue::submit_open_and(VkCommandBuffer recorded) {
  const std::array buffers{open_->buffer(), recorded};
  open_.reset();
  end(buffers.front());
  const Moment moment = submit_all(std::span(buffers).first(recorded == nullptr ? 1 : 2));
  submitted_.push_back({buffers.front(), moment});
  return moment;
}

Moment Queue::submit_all(std::span<const VkCommandBuffer> buffers) {
  const std::uint64_t number = ++submissions_;
  VkTimelineSemaphoreSubmitInfo timeline{};
  timeline.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
  timeline.signalSemaphoreValueCount = 1;
  timeline.pSignalSemaphoreValues = &number;
  const VkSemaphore semaphore = timeline_.get();
  VkSubmitInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  info.pNext = &timeline;
  info.commandBufferCount = static_cast<std::uint32_t>(buffers.size());
  info.pCommandBuffers = buffers.data();
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &semaphore;
  check(context_->vk().vkQueueSubmit(context_->queue(), 1, &info, nullptr), "starting work");
  return Moment{number};
}

bool Queue::has_passed(Moment moment) const {
  std::uint64_t value = 0;
  check(context_->vk().vkGetSemaphoreCounterValue(context_->device(), timeline_.get(), &value), "computing");
  return value >= static_cast<std::uint64_t>(moment);
}

void Queue::wait_for(Moment moment) const {
  const auto value = static_cast<std::uint64_t>(moment);
  const VkSemaphore semaphore = timeline_.get();
  VkSemaphoreWaitInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
  info.semaphoreCount = 1;
  info.pSemaphores = &semaphore;
  info.pValues = &value;
  check(context_->vk().vkWaitSemaphores(context_->device(), &info, std::numeric_limits<std::uint64_t>::max()),
        "computing");
}

VkCommandBuffer Queue::allocate_buffer() {
  VkCommandBufferAllocateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  info.commandPool = pool_.get();
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  VkCommandBuffer buffer = nullptr;
  check(context_->vk().vkAllocateCommandBuffers(context_->device(), &info, &buffer), "preparing commands");
  return buffer;
}

void Queue::begin(VkCommandBuffer buffer, VkCommandBufferUsageFlags usage) {
  VkCommandBufferBeginInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  info.flags = usage;
  check(context_->vk().vkBeginCommandBuffer(buffer, &info), "preparing commands");
  // Commands of this buffer come after those of all buffers submitted before.
  CommandList(*context_, buffer)
      .add_barrier(VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_ACCESS_MEMORY_WRITE_BIT,
                   VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                   VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT);
}

void Queue::end(VkCommandBuffer buffer) {
  // Makes the results of shaders in host memory visible to the host when the commands have run.
  CommandList(*context_, buffer)
      .add_barrier(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
                   VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  check(context_->vk().vkEndCommandBuffer(buffer), "preparing commands");
}

void Queue::free_buffer(VkCommandBuffer buffer) {
  context_->vk().vkDeviceWaitIdle(context_->device());
  context_->vk().vkFreeCommandBuffers(context_->device(), pool_.get(), 1, &buffer);
}

Recording::~Recording() {
  if (buffer_ != nullptr) {
    queue_->free_buffer(buffer_);
  }
}

}  // namespace streamdiffusion::vulkan
