#pragma once

#include <memory>

#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Opens a window that shows the newest frame and keeps its aspect ratio. Esc, q or the window's button close
/// it, f toggles full screen. Throws Error if there is no screen or the build has no SDL2.
std::unique_ptr<Sink> open_window(const SinkOptions& options);

}  // namespace streamdiffusion
