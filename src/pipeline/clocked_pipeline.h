#pragma once

#include "core/monotonic_clock.h"
#include "streamdiffusion/pipeline.h"

namespace streamdiffusion {

/// Runs the pipeline with the given clock, which tests advance. It times the pace of live sources, repeated
/// steps and the statistics. Calls of `on_progress` and checks of `stop` use the real clock.
PipelineStatistics run_pipeline(Source& source, FrameProcessor& processor, Sink& sink,
                                const PipelineOptions& options, const std::atomic<bool>& stop,
                                const std::function<void(const PipelineStatistics&)>& on_progress,
                                MonotonicClock& clock);

}  // namespace streamdiffusion
