#include "server/soak.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <random>
#include <thread>
#include <utility>

#include "server/client.h"
#include "server/measurements.h"

namespace streamdiffusion::bench {

namespace {

using Json = nlohmann::json;
using Random = std::minstd_rand;

constexpr int kFramesPerChange = 5;
constexpr double kMostGrowth = 0.03;
constexpr double kMegabyte = 1e6;
constexpr int kImageSize = 128;

struct Change {
  const char* type = "settings";        // Type of the message: "settings" or "stream".
  std::function<Json(Random&)> fields;  // Draws random values of the fields.
  Json largest = Json::object();        // The values that take the most memory.
};

double uniform(Random& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

/// A change of one field to a random value drawn by `value`.
template <typename Value>
std::pair<const std::string, Change> field(const char* type, const char* name, Value value) {
  return {name, {.type = type, .fields = [name, value](Random& random) {
                   return Json{{name, value(random)}};
                 }}};
}

/// A change of one field to one of `values`, the last of which takes the most memory.
template <typename Value, std::size_t count>
std::pair<const std::string, Change> field(const char* type, const char* name,
                                           const std::array<Value, count>& values) {
  auto made = field(type, name, [values](Random& random) { return values[random() % count]; });
  made.second.largest = {{name, values.back()}};
  return made;
}

Json square(int size) { return {{"width", size}, {"height", size}}; }

const std::map<std::string, Change>& changes() {
  static const std::map<std::string, Change> kChanges = {
      field("settings", "steps", std::array{1, 2, 4}),
      field("settings", "strength", [](Random& random) { return uniform(random, 0.2, 0.9); }),
      field("settings", "prompt", [](Random& random) { return "apple " + std::to_string(random() % 1000); }),
      field("settings", "negative_prompt",
            [](Random& random) { return "pear " + std::to_string(random() % 1000); }),
      field("settings", "prompt_transition", std::array{0, 1}),
      field("settings", "seed", [](Random& random) { return random() % 1000; }),
      field("settings", "guidance_scale", std::array{1.0, 1.2, 1.5}),
      field("settings", "cfg_type", std::array{"none", "self", "initialize", "full"}),
      field("settings", "cross_frame_attention", std::array{false, true}),
      field("settings", "similarity_threshold", std::array{1.0, 0.9}),
      {"size",
       {.type = "stream",
        .fields = [](Random& random) { return square(64 + 32 * static_cast<int>(random() % 4)); },
        .largest = square(160)}},
      field("stream", "frame_buffer", std::array{1, 2, 3}),
      field("stream", "denoising_batch", std::array{false, true}),
      field("stream", "format", std::array{"png", "webp", "jpeg"}),
  };
  return kChanges;
}

/// Sends a client's frames at a fixed pace.
class Camera {
 public:
  Camera(Client& client, double frames_per_second)
      : client_(client),
        interval_(std::chrono::duration_cast<SteadyClock::duration>(
            std::chrono::duration<double>(1 / frames_per_second))) {}

  void send_frames(int frames) {
    for (int i = 0; i < frames; ++i) {
      std::this_thread::sleep_until(due_);
      due_ = std::max(due_ + interval_, SteadyClock::now());
      client_.send_frame(number_++, image_);
      client_.receive();
    }
  }

 private:
  Client& client_;
  SteadyClock::duration interval_;
  SteadyClock::time_point due_ = SteadyClock::now();
  std::vector<std::uint8_t> image_ = make_image(kImageSize);
  std::uint32_t number_ = 0;
};

/// Runs one client and counts its changes. It begins with the settings that take the most memory, so that all
/// clients have them at once. Memory that the server keeps for later is then allocated during the warm-up.
void run_client(int port, const SoakOptions& options, unsigned seed, const std::atomic<bool>& stop,
                std::atomic<int>& changed) {
  constexpr double kLargestShare = 0.25;  // Share of the warm-up with the largest settings.
  Client client(port);
  Random random(seed);
  Camera camera(client, options.frames_per_second);
  for (const std::string& name : options.changes) {
    const Change& change = changes().at(name);
    client.change(change.type, change.largest);
  }
  for (const auto start = SteadyClock::now();
       !stop && seconds_since(start) < options.warm_up * kLargestShare;) {
    camera.send_frames(kFramesPerChange);
  }
  while (!stop) {
    const Change& change = changes().at(options.changes[random() % options.changes.size()]);
    client.change(change.type, change.fields(random));
    ++changed;
    camera.send_frames(kFramesPerChange);
  }
}

/// Samples the server's resident memory as (seconds, megabytes), for `seconds` or until `stop`.
std::vector<std::pair<double, double>> watch_memory(const ServerProcess& server, double seconds,
                                                    const std::atomic<bool>& stop) {
  constexpr double kSamples = 360;
  const std::chrono::duration<double> interval(std::max(0.1, seconds / kSamples));
  std::vector<std::pair<double, double>> samples;
  const auto start = SteadyClock::now();
  while (!stop && seconds_since(start) < seconds) {
    std::this_thread::sleep_for(interval);
    samples.emplace_back(seconds_since(start), static_cast<double>(server.resident_bytes()) / kMegabyte);
    std::fprintf(stderr, "\r%6.0f s %8.1f MB", samples.back().first, samples.back().second);
  }
  std::fprintf(stderr, "\n");
  return samples;
}

/// The largest sample, in megabytes, between two times in seconds.
double most_between(const std::vector<std::pair<double, double>>& samples, double from, double to) {
  double most = 0;
  for (const auto& [seconds, megabytes] : samples) {
    if (seconds >= from && seconds <= to) {
      most = std::max(most, megabytes);
    }
  }
  return most;
}

}  // namespace

const std::vector<std::string>& soak_changes() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const auto& [name, change] : changes()) {
      names.push_back(name);
    }
    return names;
  }();
  return kNames;
}

Json measure_soak(const ServerProcess& server, const SoakOptions& options) {
  std::atomic<bool> stop{false};
  std::atomic<int> changed{0};
  std::vector<std::exception_ptr> problems(static_cast<std::size_t>(options.clients));
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    clients.emplace_back([&, i] {
      try {
        run_client(server.port(), options, static_cast<unsigned>(i + 1), stop, changed);
      } catch (...) {
        problems[i] = std::current_exception();
        stop = true;
      }
    });
  }
  const auto samples = watch_memory(server, options.seconds, stop);
  stop = true;
  for (std::thread& client : clients) {
    client.join();
  }
  for (const std::exception_ptr& problem : problems) {
    if (problem) {
      std::rethrow_exception(problem);
    }
  }
  const double before = most_between(samples, 0, options.warm_up);
  const double after = most_between(samples, options.warm_up, options.seconds * 2);
  return {{"seconds", options.seconds},
          {"changes", changed.load()},
          {"resident_mb_after_warm_up", before},
          {"resident_mb_most", after},
          {"growth", before > 0 ? after / before - 1 : 0},
          {"is_level", after <= before * (1 + kMostGrowth)},
          {"samples", samples}};
}

}  // namespace streamdiffusion::bench
