#include "server/measurements.h"

#include <algorithm>
#include <numeric>
#include <thread>

#include "settings/settings.h"
#include "streamdiffusion/frame_stream.h"
#include "streamdiffusion/media.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::bench {

namespace {

using Json = nlohmann::json;

constexpr int kWarmUp = 5;
constexpr std::int64_t kMostPixels = 1 << 24;
constexpr const char* kPrompt = "red apple";

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return quantile(values, 0.5);
}

Stream make_stream(const std::shared_ptr<Model>& model, const Shape& shape) {
  Settings settings;
  settings.parameters.prompt = kPrompt;
  settings.steps = shape.steps;
  return {model, {.width = shape.size, .height = shape.size}, make_parameters(settings)};
}

enum class Codec { none, jpeg };

/// Measures the frames per second of a stream in this process.
double run_here(Stream& stream, const std::vector<std::uint8_t>& image, Codec codec, double seconds) {
  std::vector<Frame> in = {decode_image(image, kMostPixels)};
  std::vector<Frame> out;
  FrameStream frames(stream);
  const auto step = [&] {
    if (codec == Codec::jpeg) {
      in.front() = decode_image(image, kMostPixels);
    }
    frames.step(in, out);
    if (codec == Codec::jpeg) {
      for (const Frame& frame : out) {
        static_cast<void>(encode_image(frame, "jpeg", {}, 85));
      }
    }
  };
  for (int i = 0; i < kWarmUp; ++i) {
    step();
  }
  int count = 0;
  const auto start = SteadyClock::now();
  while (seconds_since(start) < seconds) {
    step();
    ++count;
  }
  return count / seconds_since(start);
}

Json describe(const Shape& shape) { return {{"size", shape.size}, {"steps", shape.steps}}; }

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

/// Runs a session of each shape at the same time, each on its own thread. Returns their frames per second.
std::vector<double> run_sessions(int port, const std::vector<Shape>& shapes, double seconds) {
  std::vector<std::unique_ptr<Client>> clients;
  for (const Shape& shape : shapes) {
    clients.push_back(std::make_unique<Client>(port));
    set_up(*clients.back(), shape);
  }
  std::vector<double> rates(shapes.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    threads.emplace_back(
        [&, i] { rates[i] = run_session(*clients[i], shapes[i], 2, seconds).frames_per_second; });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return rates;
}

}  // namespace

double quantile(const std::vector<double>& rising, double share) {
  const auto index = static_cast<std::size_t>(share * static_cast<double>(rising.size() - 1));
  return rising.at(index);
}

std::vector<std::uint8_t> make_image(int size) {
  Frame frame;
  frame.resize(size, size);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      std::uint8_t* const pixel = frame.pixels.data() + (static_cast<std::ptrdiff_t>(y) * size + x) * 3;
      const bool inside = (x - size / 2) * (x - size / 2) + (y - size / 2) * (y - size / 2) < size * size / 9;
      pixel[0] = static_cast<std::uint8_t>(inside ? 210 : x * 255 / size);
      pixel[1] = static_cast<std::uint8_t>(inside ? 40 : 200);
      pixel[2] = static_cast<std::uint8_t>(inside ? 30 : y * 255 / size);
    }
  }
  return encode_image(frame, "jpeg", {}, 85);
}

void set_up(Client& client, const Shape& shape) {
  client.change("stream", {{"width", shape.size}, {"height", shape.size}});
  client.change("settings", {{"prompt", kPrompt}, {"steps", shape.steps}});
}

Throughput run_session(Client& client, const Shape& shape, int under_way, double seconds) {
  const std::vector<std::uint8_t> image = make_image(shape.size);
  std::vector<SteadyClock::time_point> sent;
  Throughput result;
  SteadyClock::time_point start;
  std::uint32_t answered = 0;
  int images = 0;
  const auto send = [&] {
    sent.push_back(SteadyClock::now());
    client.send_frame(static_cast<std::uint32_t>(sent.size() - 1), image);
  };
  const auto warm_up = static_cast<std::uint32_t>(kWarmUp + shape.steps);
  for (int i = 0; i < under_way; ++i) {
    send();
  }
  while (answered <= warm_up || seconds_since(start) < seconds) {
    const Client::Answer answer = client.receive();
    if (++answered == warm_up) {
      start = SteadyClock::now();
    } else if (answered > warm_up && answer.state == server::FrameState::image) {
      ++images;
      result.latencies.push_back(seconds_since(sent.at(answer.number)));
    } else if (answered > warm_up) {
      ++result.lost;
    }
    send();
  }
  result.frames_per_second = images / seconds_since(start);
  while (answered < sent.size()) {
    client.receive();
    ++answered;
  }
  std::ranges::sort(result.latencies);
  return result;
}

Json measure_cost(int port, const std::shared_ptr<Model>& model, const std::vector<Shape>& shapes, int rounds,
                  double seconds) {
  Json results = Json::array();
  for (const Shape& shape : shapes) {
    const std::vector<std::uint8_t> image = make_image(shape.size);
    Stream stream = make_stream(model, shape);
    Client client(port);
    set_up(client, shape);
    std::vector<double> served;
    std::vector<double> bare;
    std::vector<double> with_jpeg;
    for (int round = 0; round < rounds; ++round) {
      served.push_back(run_session(client, shape, shape.steps + 1, seconds).frames_per_second);
      bare.push_back(run_here(stream, image, Codec::none, seconds));
      with_jpeg.push_back(run_here(stream, image, Codec::jpeg, seconds));
    }
    std::vector<double> to_bare;
    std::vector<double> to_jpeg;
    for (std::size_t i = 0; i < served.size(); ++i) {
      to_bare.push_back(served[i] / bare[i]);
      to_jpeg.push_back(served[i] / with_jpeg[i]);
    }
    Json result = describe(shape);
    result["fps_served"] = median(served);
    result["fps_bare"] = median(bare);
    result["fps_with_jpeg"] = median(with_jpeg);
    result["served_to_bare"] = median(to_bare);
    result["served_to_jpeg"] = median(to_jpeg);
    results.push_back(std::move(result));
  }
  return results;
}

Json measure_latency(int port, const std::shared_ptr<Model>& model, const std::vector<Shape>& shapes,
                     double seconds) {
  Json results = Json::array();
  for (const Shape& shape : shapes) {
    Stream stream = make_stream(model, shape);
    const double step = 1 / run_here(stream, make_image(shape.size), Codec::none, seconds);
    for (const int under_way : {1, 2}) {
      Client client(port);
      set_up(client, shape);
      const Throughput run = run_session(client, shape, under_way, seconds);
      Json result = describe(shape);
      result["under_way"] = under_way;
      result["step_ms"] = step * 1e3;
      result["median_ms"] = quantile(run.latencies, 0.5) * 1e3;
      result["p99_ms"] = quantile(run.latencies, 0.99) * 1e3;
      result["median_in_steps"] = quantile(run.latencies, 0.5) / step;
      results.push_back(std::move(result));
    }
  }
  return results;
}

Json measure_sessions(int port, const std::vector<Shape>& shapes, double seconds) {
  std::vector<double> alone;
  for (const Shape& shape : shapes) {
    Client client(port);
    set_up(client, shape);
    alone.push_back(run_session(client, shape, 2, seconds / 2).frames_per_second);
  }
  const std::vector<double> together = run_sessions(port, shapes, seconds);
  std::vector<double> shares;  // Frame rate of each session relative to its rate alone.
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    shares.push_back(together[i] / alone[i]);
  }
  const double fair = sum(shares) / static_cast<double>(shares.size());
  Json sessions = Json::array();
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    Json session = describe(shapes[i]);
    session["fps_alone"] = alone[i];
    session["fps"] = together[i];
    session["of_fair_share"] = shares[i] / fair;
    sessions.push_back(std::move(session));
  }
  return {{"sessions", sessions}, {"sum_of_shares", sum(shares)}};
}

}  // namespace streamdiffusion::bench
