#include "media/frame_geometry.h"

#include "media/video_input.h"

namespace streamdiffusion {

AVRational pixel_aspect(AVFormatContext& input, AVStream& stream, AVFrame& frame) {
  return av_guess_sample_aspect_ratio(&input, &stream, frame.width > 0 ? &frame : nullptr);
}

const std::int32_t* shown_matrix(const AVStream& stream, const AVFrame& frame) {
  if (const std::int32_t* of_stream = display_matrix(stream)) return of_stream;
  const AVFrameSideData* of_frame = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  return of_frame != nullptr ? reinterpret_cast<const std::int32_t*>(of_frame->data) : nullptr;
}

Orientation shown_orientation(const AVStream& stream, const AVFrame& frame) {
  const std::int32_t* const given = shown_matrix(stream, frame);
  return given != nullptr ? orientation_from_matrix(given) : Orientation{};
}

}  // namespace streamdiffusion
