// Measures frames of image to image in C++, for bench/python/frame_cost.py:
//
//   bench_frames FOLDER SIDE FRAMES
//
// Prints one JSON line with the median microseconds of a step, and of what it takes beside the autoencoder
// and the UNet.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "streamdiffusion.hpp"

namespace {

using namespace streamdiffusion;

constexpr int kWarmUp = 10;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

double network_seconds(const Stream& stream) {
  const StreamStatistics all = stream.statistics();
  return all.encode_seconds + all.unet_seconds + all.decode_seconds;
}

void measure(const char* folder, int side, int frames) {
  Parameters parameters;
  parameters.prompt = "red apple";
  parameters.t_index_list = {32};
  Stream stream(Model::load({.path = folder, .device = "cpu"}), {.width = side, .height = side}, parameters);
  Frame in;
  in.resize(side, side);
  std::vector<double> steps;
  std::vector<double> others;
  for (int i = 0; i < kWarmUp + frames; ++i) {
    const double networks_before = network_seconds(stream);
    const auto start = std::chrono::steady_clock::now();
    Frame out;  // a new one, as Python has for each result
    out.resize(side, side);
    const InputFrame input(in);
    OutputFrame output = out.view();
    stream.step({&input, 1}, {&output, 1});
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (i >= kWarmUp) {
      steps.push_back(taken.count() * 1e6);
      others.push_back((taken.count() - network_seconds(stream) + networks_before) * 1e6);
    }
  }
  std::printf("{\"step\": %.1f, \"beside\": %.1f}\n", median(steps), median(others));
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::fprintf(stderr, "usage: bench_frames FOLDER SIDE FRAMES\n");
    return 2;
  }
  try {
    measure(arguments[1], std::atoi(arguments[2]), std::atoi(arguments[3]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_frames: %s\n", error.what());
    return 1;
  }
  return 0;
}
