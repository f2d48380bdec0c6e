#pragma once

#include <atomic>
#include <memory>

#include "media/ffmpeg.h"
#include "posix/descriptor.h"

namespace streamdiffusion {

/// Standard input or a named pipe for FFmpeg to read from, which can be stopped while nothing comes.
class PipeInput {
 public:
  /// "-" or a pipe's name; `stop` may be null. Throws Error.
  PipeInput(const std::string& name, const std::atomic<bool>* stop);
  PipeInput(const PipeInput&) = delete;
  PipeInput& operator=(const PipeInput&) = delete;

  [[nodiscard]] AVIOContext* context() const { return context_.get(); }

 private:
  static int read(void* self, std::uint8_t* bytes, int size);
  int wait_and_read(std::span<char> bytes);

  struct FreeContext {
    void operator()(AVIOContext* context) const;
  };

  posix::Descriptor descriptor_;
  const std::atomic<bool>* stop_;
  bool begun_ = false;
  std::unique_ptr<AVIOContext, FreeContext> context_;
};

}  // namespace streamdiffusion
