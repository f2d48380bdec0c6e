#pragma once

#include <filesystem>

#include "media/ffmpeg.h"
#include "media/problem_report.h"

// Checks for what FFmpeg reads wrongly, or not at all, without saying so. Each reports what it finds.
namespace streamdiffusion {

/// Checks that FFmpeg knows a file's codec and reads the file to its end. Throws Error if it does not know
/// it.
void check_file(const std::filesystem::path& path, const ProblemReport& problems);

/// Throws Error if the stream's frames are too large to be decoded.
void check_size(const AVStream& stream, const ProblemReport& problems);

/// Checks for Dolby Vision with colours of its own.
void check_dolby_vision(const AVStream& stream, const ProblemReport& problems);

/// Checks that the rate that was asked for, 0 for none, is in effect.
void check_rate(double wanted, double frame_rate, const AVInputFormat& format, const ProblemReport& problems);

/// Checks that the stream or its first frame is not to be turned by another angle than 90, 180 or 270
/// degrees.
void check_turn(const AVStream& stream, const AVFrame& frame, const ProblemReport& problems);

}  // namespace streamdiffusion
