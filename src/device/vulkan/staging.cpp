#include "device/vulkan/staging.h"

#include <algorithm>

#include "core/round_up.h"

namespace streamdiffusion::vulkan {

namespace {

constexpr std::size_t kStagedAlignment = 16;  // The widest loads of the shaders need it.

}  // namespace

Address Staging::upload(const void* host, std::size_t bytes) {
  const std::size_t wanted = round_up(std::max<std::size_t>(bytes, 1), kStagedAlignment);
  if (parts_[current_].block == nullptr || parts_[current_].used + wanted > parts_[current_].block->bytes()) {
    change_part(wanted);
  }
  Part& part = parts_[current_];
  const std::size_t offset = part.used;
  part.used += wanted;
  std::copy_n(static_cast<const std::byte*>(host), bytes, part.block->host() + offset);
  return part.block->address() + offset;
}

void Staging::change_part(std::size_t bytes) {
  parts_[current_].read = queue_.submit();
  current_ = (current_ + 1) % parts_.size();
  Part& part = parts_[current_];
  queue_.wait_for(part.read);
  part.used = 0;
  if (part.block == nullptr || part.block->bytes() < bytes) {
    part.block.reset();
    part.block = std::make_unique<Block>(context_, Block::Kind::upload, std::max(bytes, kPartBytes));
  }
}

Address Staging::begin_download(std::size_t bytes) {
  if (downloads_ == nullptr || downloads_->bytes() < bytes) {
    downloads_.reset();
    downloads_ = std::make_unique<Block>(context_, Block::Kind::download, round_up(bytes, kPartBytes / 8));
  }
  return downloads_->address();
}

const std::byte* Staging::end_download() {
  queue_.finish();
  return downloads_->host();
}

}  // namespace streamdiffusion::vulkan
