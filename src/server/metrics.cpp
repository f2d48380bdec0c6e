#include "server/metrics.h"

#include <prometheus/text_serializer.h>

namespace streamdiffusion::server {

namespace {

prometheus::Counter& counter(prometheus::Registry& registry, const std::string& name,
                             const std::string& help) {
  return prometheus::BuildCounter().Name("streamdiffusion_" + name).Help(help).Register(registry).Add({});
}

prometheus::Gauge& gauge(prometheus::Registry& registry, const std::string& name, const std::string& help) {
  return prometheus::BuildGauge().Name("streamdiffusion_" + name).Help(help).Register(registry).Add({});
}

prometheus::Histogram& seconds(prometheus::Registry& registry, const std::string& name,
                               const std::string& help) {
  return prometheus::BuildHistogram()
      .Name("streamdiffusion_" + name)
      .Help(help)
      .Register(registry)
      .Add({}, prometheus::Histogram::BucketBoundaries{0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15,
                                                       0.25, 0.5, 1, 2.5, 5, 10, 30});
}

}  // namespace

Metrics::Metrics()
    : frames_in(counter(registry_, "frames_received_total", "Frames that clients have sent.")),
      images(counter(registry_, "images_total", "Images that were sent to clients.")),
      skipped(counter(registry_, "frames_skipped_total", "Frames that the similarity filter skipped.")),
      dropped(counter(registry_, "frames_dropped_total",
                      "Frames that a newer one replaced, or that a change lost.")),
      unreadable(counter(registry_, "frames_unreadable_total", "Frames whose image could not be decoded.")),
      steps(counter(registry_, "steps_total", "Steps of sessions' streams.")),
      shared_steps(
          counter(registry_, "shared_steps_total", "Steps that shared a UNet call with another session's.")),
      internal_errors(
          counter(registry_, "internal_errors_total", "Steps and changes that failed unexpectedly.")),
      refused(counter(registry_, "requests_refused_total", "Requests that access rules or limits refused.")),
      sessions(gauge(registry_, "sessions", "Clients that hold a session slot.")),
      queue(gauge(registry_, "queue", "Clients that wait for a session slot.")),
      connections(gauge(registry_, "connections", "Open connections.")),
      models_loaded(gauge(registry_, "models_loaded", "Models in memory.")),
      latency(seconds(registry_, "frame_latency_seconds",
                      "Time from a frame's arrival to the sending of its image.")),
      step_time(seconds(registry_, "step_seconds", "Time of one turn of the engine.")) {}

std::string Metrics::text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

}  // namespace streamdiffusion::server
