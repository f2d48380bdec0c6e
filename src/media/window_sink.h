#pragma once

#include <memory>

#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// A window that shows the newest frame, the aspect kept: Esc, q or the window's button close it, f is full
/// screen. Throws Error where there is no screen, or where this program was built without SDL2.
std::unique_ptr<Sink> open_window(const SinkOptions& options);

}  // namespace streamdiffusion
