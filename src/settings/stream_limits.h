#pragma once

#include "settings/range.h"

namespace streamdiffusion {

// The permitted values of StreamOptions.
inline constexpr Range<int> kSideRange{1, 1 << 16};  ///< Pixels; the model also asks for a multiple.
inline constexpr Range<int> kFrameBufferRange{1, 1024};

}  // namespace streamdiffusion
