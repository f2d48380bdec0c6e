#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/client.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion::bench {

/// A stream, the same with and without the server.
struct Shape {
  int size = 128;  ///< width and height
  int steps = 1;
};

/// The picture that all frames are, as JPEG.
std::vector<std::uint8_t> make_picture(int size);

/// Makes the client's session a stream of this shape.
void set_up(Client& client, const Shape& shape);

struct Throughput {
  double frames_per_second = 0;
  std::vector<double> latencies;  ///< seconds, rising
  int lost = 0;                   ///< answered without a picture
};

/// Sends frames with `under_way` unanswered, as long as `seconds`.
Throughput run_session(Client& client, const Shape& shape, int under_way, double seconds);

/// Frames a second over the WebSocket, in alternating rounds with the same stream in this process: bare, and
/// with JPEG decoded and encoded. One entry a shape.
nlohmann::json measure_cost(int port, const std::shared_ptr<Model>& model, const std::vector<Shape>& shapes,
                            int rounds, double seconds);

/// Latency of one session, with one frame under way and with two, beside the step of the stream alone.
nlohmann::json measure_latency(int port, const std::shared_ptr<Model>& model,
                               const std::vector<Shape>& shapes, double seconds);

/// Sessions at once, of these shapes: each one's frames a second, alone and beside the others.
nlohmann::json measure_sessions(int port, const std::vector<Shape>& shapes, double seconds);

/// One element of rising values: 0.5 is the median.
double quantile(const std::vector<double>& rising, double share);

}  // namespace streamdiffusion::bench
