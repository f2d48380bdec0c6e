#include "server/abuse.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "server/bad_clients.h"
#include "server/measurements.h"

namespace streamdiffusion::bench {

namespace {

using Json = nlohmann::json;

constexpr Shape kShape{.size = 128, .steps = 1};
constexpr double kPace =
    0.4;  // Pace relative to the frame rate of a session alone. The fair share of one of two sessions is 0.5.
constexpr std::chrono::seconds kSettling{10};

/// Runs a session that sends frames at a fixed pace, as a camera does, and counts the answers.
Json run_paced(int port, double frames_per_second, const std::atomic<bool>& stop) {
  Client client(port);
  set_up(client, kShape);
  const std::vector<std::uint8_t> image = make_image(kShape.size);
  const auto interval =
      std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(1 / frames_per_second));
  std::array<int, 4> states{};
  std::vector<double> latencies;
  std::uint32_t number = 0;
  for (auto due = SteadyClock::now(); !stop; due += interval) {
    std::this_thread::sleep_until(due);
    const auto sent = SteadyClock::now();
    client.send_frame(number++, image);
    const Client::Answer answer =
        client.receive();  // If it takes longer than the interval, the next frame is sent late.
    ++states.at(static_cast<std::size_t>(answer.state));
    latencies.push_back(seconds_since(sent));
  }
  std::ranges::sort(latencies);
  return {{"asked_fps", frames_per_second},
          {"sent", number},
          {"images", states[0]},
          {"lost", static_cast<int>(number) - states[0]},
          {"median_ms", quantile(latencies, 0.5) * 1e3},
          {"p99_ms", quantile(latencies, 0.99) * 1e3},
          {"longest_ms", latencies.back() * 1e3}};
}

Json run_paced_for(int port, double frames_per_second, double seconds) {
  std::atomic<bool> stop{false};
  std::thread timer([&] {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop = true;
  });
  Json result = run_paced(port, frames_per_second, stop);
  timer.join();
  result["fps"] = result["images"].get<int>() / seconds;
  return result;
}

/// Runs the good session while bad clients are connected.
Json run_with_bad_clients(int port, double frames_per_second, double seconds) {
  constexpr std::array<std::pair<const char*, BadClient>, 4> kBad = {{{"reads_nothing", &read_nothing},
                                                                      {"garbage", &send_garbage},
                                                                      {"mid_frame", &leave_in_mid_frame},
                                                                      {"come_and_go", &come_and_go}}};
  std::atomic<bool> stop{false};
  std::array<std::atomic<int>, kBad.size()> rounds{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kBad.size(); ++i) {
    threads.emplace_back(kBad.at(i).second, port, std::cref(stop), std::ref(rounds.at(i)));
  }
  Json result = run_paced_for(port, frames_per_second, seconds);
  stop = true;
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (std::size_t i = 0; i < kBad.size(); ++i) {
    result["rounds"][kBad.at(i).first] = rounds.at(i).load();
  }
  return result;
}

Json describe(const ServerProcess& server) {
  constexpr double kMegabyte = 1e6;
  return {{"resident_mb", static_cast<double>(server.resident_bytes()) / kMegabyte},
          {"descriptors", server.descriptors()}};
}

}  // namespace

Json measure_abuse(const ServerProcess& server, double seconds) {
  constexpr double kBefore = 10;  // Seconds of each run before and after the abuse.
  const int port = server.port();
  double alone = 0;
  {
    Client client(port);
    set_up(client, kShape);
    alone = run_session(client, kShape, 2, kBefore / 2).frames_per_second;
  }
  const double pace = alone * kPace;
  Json result;
  result["fps_alone"] = alone;
  run_with_bad_clients(port, pace, kBefore);  // Makes the server allocate what it allocates once.
  std::this_thread::sleep_for(kSettling);
  result["server_before"] = describe(server);
  result["good_before"] = run_paced_for(port, pace, kBefore);
  result["good_beside_bad"] = run_with_bad_clients(port, pace, seconds);
  std::this_thread::sleep_for(kSettling);
  result["server_after"] = describe(server);
  result["good_after"] = run_paced_for(port, pace, kBefore);
  return result;
}

}  // namespace streamdiffusion::bench
