#pragma once

#include "core/monotonic_clock.h"
#include "streamdiffusion/pipeline.h"

namespace streamdiffusion {

/// run_pipeline by a given clock: of the pace of live sources, of frames that are stepped again, and of the
/// statistics. `on_progress` and the looks at `stop` go by the real one.
PipelineStatistics run_pipeline(Source& source, FrameProcessor& processor, Sink& sink,
                                const PipelineOptions& options, const std::atomic<bool>& stop,
                                const std::function<void(const PipelineStatistics&)>& on_progress,
                                MonotonicClock& clock);

}  // namespace streamdiffusion
