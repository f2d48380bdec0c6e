#pragma once

#include <atomic>
#include <memory>

#include "media/ffmpeg.h"
#include "posix/descriptor.h"

namespace streamdiffusion {

/// Standard input or a named pipe as an input of FFmpeg. Reading can be stopped while no data comes.
class PipeInput {
 public:
  /// `name` is "-" or a pipe's path; `stop` may be null. Throws Error.
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
