// Micro-benchmarks of the CPU device's operations, with the arithmetic they reach.
//   bench_operations [--threads=N] [Google Benchmark's options]

#include <benchmark/benchmark.h>

#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "device/counting_device.h"
#include "device/cpu/cpu_device.h"
#include "operations/operations.h"

namespace {

using streamdiffusion::CountingDevice;
using streamdiffusion::Device;
using streamdiffusion::Operation;

double count_operations(const Operation& operation) {
  CountingDevice device;
  operation.prepare(device)();
  return device.operations();
}

void measure(benchmark::State& state, Device& device, const Operation& operation) {
  const std::function<void()> run = operation.prepare(device);
  run();
  for ([[maybe_unused]] auto iteration : state) {
    run();
  }
  if (const double counted = count_operations(operation); counted > 0) {
    state.counters["FLOP/s"] = benchmark::Counter(counted, benchmark::Counter::kIsIterationInvariantRate);
  }
}

/// Takes "--threads=N" out of the arguments; 0 where it is not there.
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
  const std::unique_ptr<Device> device = streamdiffusion::make_cpu_device(take_threads(arguments));
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  const std::vector<Operation> operations = streamdiffusion::operations();
  for (const Operation& operation : operations) {
    benchmark::RegisterBenchmark(
        operation.name.c_str(),
        [&device, &operation](benchmark::State& state) { measure(state, *device, operation); })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
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
