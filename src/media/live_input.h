#pragma once

#include "media/container_colours.h"
#include "media/ffmpeg.h"
#include "media/interrupt.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// A camera, screen or address, opened and probed. Reading from it may give AVERROR(EAGAIN). `colours`, where
/// given, becomes what the container says of them. Throws Error.
ffmpeg::Input open_live_input(const SourceOptions& options, Interrupt& interrupt,
                              ContainerColours* colours = nullptr);

/// A part of the screen, as "screen:640x480+100+50" names it; without a size all of it.
struct ScreenPart {
  int width = 0;
  int height = 0;
  int x = 0;
  int y = 0;
};
/// Throws Error where `name` is no such name.
ScreenPart parse_screen(const std::string& name);

}  // namespace streamdiffusion
