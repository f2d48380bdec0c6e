#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/client.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion::bench {

/// The size and steps of a stream to measure, with and without the server.
struct Shape {
  int size = 128;  ///< Width and height in pixels.
  int steps = 1;
};

/// Makes the JPEG file that is sent as every frame, size x size pixels.
std::vector<std::uint8_t> make_image(int size);

/// Sets the client's session to a stream of this shape.
void set_up(Client& client, const Shape& shape);

struct Throughput {
  double frames_per_second = 0;
  std::vector<double> latencies;  ///< Sorted latencies in seconds.
  int lost = 0;                   ///< Frames answered without an image.
};

/// Sends frames for `seconds`, with `under_way` of them unanswered at any time.
Throughput run_session(Client& client, const Shape& shape, int under_way, double seconds);

/// Compares the frames per second of the server with those of the same stream in this process, in alternating
/// rounds. The stream here runs once bare and once with JPEG decoding and encoding. Returns one entry per
/// shape.
nlohmann::json measure_cost(int port, const std::shared_ptr<Model>& model, const std::vector<Shape>& shapes,
                            int rounds, double seconds);

/// Measures the latency of a session with one and with two unanswered frames, and the time of a step without
/// the server.
nlohmann::json measure_latency(int port, const std::shared_ptr<Model>& model,
                               const std::vector<Shape>& shapes, double seconds);

/// Measures the frames per second of sessions of these shapes, each alone and all at once.
nlohmann::json measure_sessions(int port, const std::vector<Shape>& shapes, double seconds);

/// Returns a quantile of sorted values. `share` 0.5 is the median.
double quantile(const std::vector<double>& rising, double share);

}  // namespace streamdiffusion::bench
