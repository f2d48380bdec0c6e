#pragma once

#include "media/container_colours.h"
#include "media/ffmpeg.h"
#include "media/interrupt.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Opens and probes a camera, screen or address. Reading from it may return AVERROR(EAGAIN). If `colours` is
/// not null, it receives the container's colours. Throws Error.
ffmpeg::Input open_live_input(const SourceOptions& options, Interrupt& interrupt,
                              ContainerColours* colours = nullptr);

/// A part of the screen in pixels, as in "screen:640x480+100+50". A width of 0 means all of it.
struct ScreenPart {
  int width = 0;
  int height = 0;
  int x = 0;
  int y = 0;
};
/// Parses "screen", "screen:WxH" or "screen:WxH+X+Y". Throws Error for other names.
ScreenPart parse_screen(const std::string& name);

}  // namespace streamdiffusion
