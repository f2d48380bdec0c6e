#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>

#include "device/vulkan/context.h"
#include "device/vulkan/hazards.h"

namespace streamdiffusion::vulkan {

/// Commands that are being collected for the GPU, with the barriers between them that they need.
class CommandList {
 public:
  /// Appends to `buffer`, which has been begun.
  CommandList(const Context& context, VkCommandBuffer buffer) : context_(&context), buffer_(buffer) {}

  /// Appends `command(buffer)`, which reads and writes this memory in shaders, after a barrier if it needs
  /// one.
  template <typename Command>
  void add(std::initializer_list<Region> reads, std::initializer_list<Region> writes, Command&& command) {
    if (hazards_.add(reads, writes)) {
      add_barrier(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
                  VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                  VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
    }
    command(buffer_);
  }

  /// Appends a barrier between all commands so far and later ones.
  void add_barrier(VkPipelineStageFlags before, VkAccessFlags writes, VkPipelineStageFlags behind,
                   VkAccessFlags accesses);
  [[nodiscard]] VkCommandBuffer buffer() const { return buffer_; }

 private:
  const Context* context_;
  VkCommandBuffer buffer_;
  Hazards hazards_;
};

/// A moment in the work of a queue: all commands have run that were submitted before.
enum class Moment : std::uint64_t {};

class Queue;

/// Commands that can be submitted any number of times. It must not outlive its queue. Move-only.
class Recording {
 public:
  Recording(Queue& queue, VkCommandBuffer buffer) : queue_(&queue), buffer_(buffer) {}
  /// Waits until the GPU does not run it any more.
  ~Recording();
  Recording(Recording&& other) noexcept
      : queue_(other.queue_), buffer_(std::exchange(other.buffer_, nullptr)) {}
  Recording& operator=(Recording&& other) noexcept {
    std::swap(queue_, other.queue_);
    std::swap(buffer_, other.buffer_);
    return *this;
  }

  [[nodiscard]] VkCommandBuffer buffer() const { return buffer_; }

 private:
  Queue* queue_;
  VkCommandBuffer buffer_;
};

/// The queue of a GPU: command lists that run once, and recorded ones that can run again. Commands run in the
/// order in which they are added and submitted. For one thread at a time.
class Queue {
 public:
  explicit Queue(SharedContext context);
  /// Waits until the GPU has run all that was submitted.
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  /// The list that single commands are added to. It is valid until the next call that submits.
  CommandList& open_list();
  /// Submits the open list. Returns the moment when it has run.
  Moment submit();
  /// Submits the open list and then `recording`. Returns the moment when both have run.
  Moment submit(const Recording& recording);

  [[nodiscard]] bool has_passed(Moment moment) const;
  void wait_for(Moment moment) const;
  /// Submits the open list and waits until the GPU has run everything.
  void finish() { wait_for(submit()); }

  /// Records the commands that `add` adds to a list, to submit them any number of times.
  template <typename Add>
  Recording record(Add&& add) {
    Recording recording(*this, allocate_buffer());
    begin(recording.buffer(), VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT);
    CommandList list(*context_, recording.buffer());
    add(list);
    end(recording.buffer());
    return recording;
  }

 private:
  using Pool = Handle<VkCommandPool, &VolkDeviceTable::vkDestroyCommandPool>;
  using Semaphore = Handle<VkSemaphore, &VolkDeviceTable::vkDestroySemaphore>;
  struct Submitted {
    VkCommandBuffer buffer;
    Moment moment;
  };

  friend class Recording;

  VkCommandBuffer allocate_buffer();
  void free_buffer(VkCommandBuffer buffer);
  void begin(VkCommandBuffer buffer, VkCommandBufferUsageFlags usage);
  void end(VkCommandBuffer buffer);
  Moment submit_open_and(VkCommandBuffer recorded);
  Moment submit_all(std::span<const VkCommandBuffer> buffers);

  SharedContext context_;
  Pool pool_;
  Semaphore timeline_;
  std::uint64_t submissions_ = 0;
  std::unique_ptr<CommandList> open_;
  std::deque<Submitted> submitted_;  // Buffers of lists that run once, oldest first.
};

}  // namespace streamdiffusion::vulkan
