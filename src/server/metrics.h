#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>

namespace streamdiffusion::server {

/// The counters, gauges and histograms of GET /metrics. metrics.cpp says what each of them counts, in the
/// text that clients get. Thread-safe.
class Metrics {
 public:
  Metrics();

  /// All metrics in Prometheus's text format.
  [[nodiscard]] std::string text() const;

 private:
  prometheus::Registry registry_;

 public:
  prometheus::Counter& frames_in;
  prometheus::Counter& images;
  prometheus::Counter& skipped;
  prometheus::Counter& dropped;
  prometheus::Counter& unreadable;
  prometheus::Counter& steps;
  prometheus::Counter& shared_steps;
  prometheus::Counter& internal_errors;
  prometheus::Counter& refused;
  prometheus::Gauge& sessions;
  prometheus::Gauge& queue;
  prometheus::Gauge& connections;
  prometheus::Gauge& models_loaded;
  prometheus::Histogram& latency;
  prometheus::Histogram& step_time;
};

}  // namespace streamdiffusion::server
