// Replaces window_sink.cpp in builds without SDL2.
#include "media/window_sink.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

std::unique_ptr<Sink> open_window(const SinkOptions& /*options*/) {
  throw MediaError(
      "this program was built without SDL2 and opens no window; install libsdl2-dev and build it again, or "
      "write "
      "to a pipe: run ... - | ffplay -");
}

}  // namespace streamdiffusion
