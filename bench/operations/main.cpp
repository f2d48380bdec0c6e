// Micro-benchmarks of the CPU device's operations. Each reports its FLOP/s or bytes/s and the share of the
// machine's peak: float32 multiply-adds from registers, or a copy in memory.
//   bench_operations [--threads=N] [Google Benchmark's options]

#include <benchmark/benchmark.h>

#include <chrono>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "device/counting_device.h"
#include "device/cpu/cpu_device.h"
#include "operations/operations.h"
#include "operations/peak.h"

namespace {

using Clock = std::chrono::steady_clock;
using streamdiffusion::CountingDevice;
using streamdiffusion::Device;
using streamdiffusion::Operation;
using streamdiffusion::Peak;

double count_operations(const Operation& operation) {
  CountingDevice device;
  operation.prepare(device)();
  return device.operations();
}

void measure(benchmark::State& state, Device& device, const Operation& operation, const Peak& peak) {
  const std::function<void()> run = operation.prepare(device);
  run();
  const Clock::time_point start = Clock::now();
  for ([[maybe_unused]] auto iteration : state) {
    run();
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const bool moves = operation.bytes > 0;
  const double rate = (moves ? operation.bytes : count_operations(operation)) *
                      static_cast<double>(state.iterations()) / seconds;
  state.counters[moves ? "B/s" : "FLOP/s"] = rate;
  state.counters["of_peak"] = rate / (moves ? peak.copy_bytes : peak.flops);
}

/// Removes "--threads=N" from the arguments and returns N; 0 if it is not given.
int take_threads(std::vector<char*>& arguments) {
  const std::string option = "--threads=";
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    if (std::string(*argument).starts_with(option)) {
      const int threads = std::stoi(std::string(*argument).substr(option.size()));
      arguments.erase(argument);
      return threads;
    }
  }
  return 0;
}

void run(std::vector<char*> arguments) {
  const int threads = take_threads(arguments);
  const Peak peak = streamdiffusion::measure_peak(threads);
  const std::unique_ptr<Device> device = streamdiffusion::make_cpu_device(threads);
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  const std::vector<Operation> operations = streamdiffusion::operations();
  for (const Operation& operation : operations) {
    benchmark::RegisterBenchmark(
        operation.name.c_str(),
        [&device, &operation, &peak](benchmark::State& state) { measure(state, *device, operation, peak); })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
  benchmark::AddCustomContext("peak_gflops", std::to_string(peak.flops * 1e-9));
  benchmark::AddCustomContext("copy_gigabytes_per_second", std::to_string(peak.copy_bytes * 1e-9));
  benchmark::AddCustomContext("instruction_set", device->traits().instruction_set);
  if (!benchmark::ReportUnrecognizedArguments(count, arguments.data())) {
    benchmark::RunSpecifiedBenchmarks();
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run({argv, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "bench_operations: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
