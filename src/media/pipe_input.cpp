#include "media/pipe_input.h"

#include <chrono>
#include <thread>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr int kBufferSize = 1 << 16;
constexpr std::chrono::milliseconds kLook{50};  // Interval at which `stop` is checked while no data comes.

}  // namespace

void PipeInput::FreeContext::operator()(AVIOContext* context) const {
  av_freep(&context->buffer);  // FFmpeg may have replaced the buffer.
  avio_context_free(&context);
}

PipeInput::PipeInput(const std::string& name, const std::atomic<bool>* stop)
    : descriptor_(name == "-" ? posix::Descriptor::standard_input() : posix::Descriptor(name)), stop_(stop) {
  auto* buffer = static_cast<std::uint8_t*>(av_malloc(kBufferSize));
  if (buffer == nullptr) throw std::bad_alloc();
  context_.reset(avio_alloc_context(buffer, kBufferSize, 0, this, &PipeInput::read, nullptr, nullptr));
  if (!context_) {
    av_free(buffer);
    throw std::bad_alloc();
  }
  context_->seekable = 0;
}

int PipeInput::read(void* self, std::uint8_t* bytes, int size) {
  try {
    return static_cast<PipeInput*>(self)->wait_and_read(
        {reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size)});
  } catch (const Error&) {
    return AVERROR(EIO);
  }
}

int PipeInput::wait_and_read(std::span<char> bytes) {
  while (true) {
    if (stop_ != nullptr && *stop_) return AVERROR_EXIT;
    if (!descriptor_.wait(kLook)) continue;
    const std::optional<std::size_t> count = descriptor_.read(bytes);
    if (!count) continue;
    if (*count > 0) {
      begun_ = true;
      return static_cast<int>(*count);
    }
    if (begun_ || !descriptor_.is_named()) return AVERROR_EOF;
    std::this_thread::sleep_for(kLook);  // No program has opened the named pipe for writing yet.
  }
}

}  // namespace streamdiffusion
