#include "media/container_colours.h"

namespace streamdiffusion {

ContainerColours::ContainerColours(const AVFormatContext& input) {
  for (unsigned i = 0; i < input.nb_streams; ++i) {
    const AVCodecParameters& parameters = *input.streams[i]->codecpar;
    of_streams_[static_cast<int>(i)] = {parameters.color_range, parameters.color_space,
                                        parameters.color_primaries, parameters.color_trc};
  }
}

void ContainerColours::apply(int stream, AVFrame& frame) const {
  const auto found = of_streams_.find(stream);
  if (found == of_streams_.end()) return;
  const Colours& colours = found->second;
  if (colours.range != AVCOL_RANGE_UNSPECIFIED) frame.color_range = colours.range;
  if (colours.matrix != AVCOL_SPC_UNSPECIFIED) frame.colorspace = colours.matrix;
  if (colours.primaries != AVCOL_PRI_UNSPECIFIED) frame.color_primaries = colours.primaries;
  if (colours.transfer != AVCOL_TRC_UNSPECIFIED) frame.color_trc = colours.transfer;
}

}  // namespace streamdiffusion
