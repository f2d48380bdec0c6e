#include <algorithm>
#include <cstddef>
#include <memory>

#include "bench/parts.h"
#include "posix/machine.h"

namespace streamdiffusion::bench {

namespace {

constexpr int kSize = 256;  // width and height of the cases that do not vary the size

struct ScalingCase {
  int size = kSize;
  int steps = 1;
  int frame_buffer = 1;
};

/// Returns cases that each vary one property.
std::vector<ScalingCase> cases() {
  std::vector<ScalingCase> all;
  for (const int size : {256, 384, 512, 640, 768}) {
    all.push_back({.size = size});
  }
  for (const int steps : {2, 4, 8}) {
    all.push_back({.steps = steps});
  }
  for (const int frames : {2, 4, 8}) {
    all.push_back({.frame_buffer = frames});
  }
  return all;
}

/// Returns 1, 2, 4, ... and finally `most`, even if that is not a power of two.
std::vector<int> thread_counts(int most) {
  std::vector<int> counts;
  for (int count = 1; count < most; count *= 2) {
    counts.push_back(count);
  }
  counts.push_back(most);
  return counts;
}

std::unique_ptr<TimedStream> make_stream(const std::shared_ptr<Model>& model, const ScalingCase& one) {
  const StreamOptions options{.width = one.size, .height = one.size, .frame_buffer_size = one.frame_buffer};
  return std::make_unique<TimedStream>(model, options, stream_parameters(one.steps));
}

/// Returns the floating-point operations of a frame in each case.
std::vector<double> count(const Workbench& bench, const std::vector<ScalingCase>& all) {
  ModelOptions options = bench.model_options;
  options.device = "counting";
  const std::shared_ptr<Model> model = Model::load(options);
  std::vector<double> counts;
  for (const ScalingCase& one : all) {
    const std::unique_ptr<TimedStream> stream = make_stream(model, one);
    const double before = stream->stream().statistics().operations;
    stream->step();
    counts.push_back((stream->stream().statistics().operations - before) / one.frame_buffer);
  }
  return counts;
}

}  // namespace

Table measure_scaling(const Workbench& bench) {
  const std::vector<ScalingCase> all = cases();
  const std::vector<double> operations = count(bench, all);
  Table table{.name = "scaling",
              .title = "Scaling: time of a frame and arithmetic reached, stream batch",
              .columns = {{"threads", "threads"},
                          {"size", "size"},
                          {"steps", "steps"},
                          {"frame_buffer", "frame buffer"},
                          {"milliseconds", "ms (quartiles)", 2},
                          {"gflop", "GFLOP", 2},
                          {"gflop_per_second", "GFLOP/s", 0}},
              .rows = {},
              .notes = {"GFLOP are those of the plain formulas, for a frame; algorithms that need fewer, as "
                        "Winograd's, raise GFLOP/s."}};
  const int most = bench.model_options.threads > 0 ? bench.model_options.threads : posix::processor_count();
  for (const int threads : thread_counts(most)) {
    ModelOptions options = bench.model_options;
    options.threads = threads;
    const std::shared_ptr<Model> model = Model::load(options);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::unique_ptr<TimedStream> stream = make_stream(model, all[i]);
      const Spread time = take_turns({[&stream] { return stream->step(); }}, bench.seconds / 2).front();
      table.rows.push_back({{"threads", threads},
                            {"size", all[i].size},
                            {"steps", all[i].steps},
                            {"frame_buffer", all[i].frame_buffer},
                            {"milliseconds", to_json(time, 1e3)},
                            {"gflop", operations[i] * 1e-9},
                            {"gflop_per_second", operations[i] * 1e-9 / time.median}});
    }
  }
  return table;
}

}  // namespace streamdiffusion::bench
