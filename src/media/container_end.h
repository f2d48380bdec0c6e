#pragma once

#include <filesystem>

namespace streamdiffusion {

enum class ContainerEnd {
  whole,      ///< as far as the container's sizes tell
  cut_short,  ///< its last part has fewer bytes than it says, which FFmpeg takes for the end of the video
  goes_on,    ///< a second recording follows, which FFmpeg does not read
};

/// Looks for the end of a video file by the sizes of its parts: AVI, MP4, Matroska, WebM, ASF (WMV), FLV and
/// GIF. Other files are `whole`, and so are those with bytes behind the end that are no recording.
ContainerEnd examine_end(const std::filesystem::path& file);

}  // namespace streamdiffusion
