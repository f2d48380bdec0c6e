#include "device/vulkan/memory.h"

#include <algorithm>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "core/round_up.h"
#include "device/pieces.h"
#include "device/vulkan/errors.h"

namespace streamdiffusion::vulkan {

namespace {

constexpr std::size_t kBufferAlignment =
    256;  // Enough for every access of the shaders, and for whole cache lines.
constexpr std::size_t kBlockBytes = std::size_t{64} << 20U;

/// Returns the first type of memory that `allowed` has a bit for and that has one of the sets of flags, the
/// first set being the best.
std::uint32_t memory_type(VkPhysicalDevice gpu, std::uint32_t allowed,
                          std::initializer_list<VkMemoryPropertyFlags> wanted) {
  VkPhysicalDeviceMemoryProperties memory{};
  vkGetPhysicalDeviceMemoryProperties(gpu, &memory);
  for (const VkMemoryPropertyFlags flags : wanted) {
    for (std::uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
      if ((allowed >> i & 1U) != 0 && (memory.memoryTypes[i].propertyFlags & flags) == flags) {
        return i;
      }
    }
  }
  throw DeviceError("the Vulkan driver has no memory of a kind that is needed; use the device \"cpu\"");
}

std::uint32_t memory_type(VkPhysicalDevice gpu, std::uint32_t allowed, Block::Kind kind) {
  constexpr VkMemoryPropertyFlags kHost =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  switch (kind) {
    case Block::Kind::device:
      return memory_type(gpu, allowed, {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT});
    case Block::Kind::upload:
      return memory_type(gpu, allowed, {kHost});
    case Block::Kind::download:
      return memory_type(gpu, allowed, {kHost | VK_MEMORY_PROPERTY_HOST_CACHED_BIT, kHost});
  }
  return 0;
}

}  // namespace

Block::Block(SharedContext context, Kind kind, std::size_t bytes)
    : context_(std::move(context)), bytes_(bytes) {
  const VolkDeviceTable& vk = context_->vk();
  const VkDevice device = context_->device();
  const std::string doing = "reserving " + std::to_string(bytes >> 20U) + " MB";
  VkBufferCreateInfo buffer{};
  buffer.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  buffer.size = bytes;
  buffer.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
  buffer.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
  check(vk.vkCreateBuffer(device, &buffer, nullptr, &buffer_), doing);
  VkMemoryRequirements needed{};
  vk.vkGetBufferMemoryRequirements(device, buffer_, &needed);
  VkMemoryAllocateFlagsInfo flags{};
  flags.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO;
  flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
  try {
    const VkMemoryAllocateInfo memory{
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = &flags,
        .allocationSize = needed.size,
        .memoryTypeIndex = memory_type(context_->gpu().handle, needed.memoryTypeBits, kind)};
    check(vk.vkAllocateMemory(device, &memory, nullptr, &memory_), doing);
    check(vk.vkBindBufferMemory(device, buffer_, memory_, 0), doing);
    if (kind != Kind::device) {
      void* host = nullptr;
      check(vk.vkMapMemory(device, memory_, 0, VK_WHOLE_SIZE, 0, &host), doing);
      host_ = static_cast<std::byte*>(host);
    }
  } catch (...) {
    vk.vkDestroyBuffer(device, buffer_, nullptr);
    vk.vkFreeMemory(device, memory_, nullptr);
    throw;
  }
  VkBufferDeviceAddressInfo address{};
  address.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO;
  address.buffer = buffer_;
  address_ = vk.vkGetBufferDeviceAddress(device, &address);
}

Block::~Block() {
  context_->vk().vkDestroyBuffer(context_->device(), buffer_, nullptr);
  context_->vk().vkFreeMemory(context_->device(), memory_, nullptr);
}

/// A block that buffers share. Thread-safe.
class Memory::SharedBlock {
 public:
  SharedBlock(const SharedContext& context, std::size_t bytes)
      : block_(context, Block::Kind::device, bytes), pieces_(bytes) {}

  std::optional<Address> take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const std::optional<std::size_t> offset = pieces_.take(bytes);
    return offset ? std::optional(block_.address() + *offset) : std::nullopt;
  }
  void give_back(Address address) {
    const std::lock_guard lock(mutex_);
    pieces_.give_back(address - block_.address());
  }
  [[nodiscard]] bool is_unused() const {
    const std::lock_guard lock(mutex_);
    return pieces_.is_unused();
  }

 private:
  mutable std::mutex mutex_;
  Block block_;
  Pieces pieces_;
};

Memory::Memory(SharedContext context, std::function<void()> wait)
    : context_(std::move(context)), wait_(std::move(wait)) {}

Buffer Memory::allocate(std::size_t bytes) {
  const std::size_t wanted = round_up(std::max<std::size_t>(bytes, 1), kBufferAlignment);
  const auto make_buffer = [&](const std::shared_ptr<SharedBlock>& block, Address address) {
    return Buffer(dense_tensor(address, 0, DType::u8).data, wanted,
                  [block](void* data, std::size_t) { block->give_back(address_of(data)); });
  };
  for (const std::shared_ptr<SharedBlock>& block : blocks_) {
    if (const std::optional<Address> address = block->take(wanted)) {
      return make_buffer(block, *address);
    }
  }
  release_unused();
  const auto& block =
      blocks_.emplace_back(std::make_shared<SharedBlock>(context_, std::max(wanted, kBlockBytes)));
  return make_buffer(block, block->take(wanted).value());
}

void Memory::release_unused() {
  const auto is_unused = [](const std::shared_ptr<SharedBlock>& block) { return block->is_unused(); };
  if (std::ranges::any_of(blocks_, is_unused)) {
    wait_();
    std::erase_if(blocks_, is_unused);
  }
}

}  // namespace streamdiffusion::vulkan
