#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "bench/hard_threshold.h"
#include "bench/nvml.h"
#include "bench/paper.h"
#include "bench/parts.h"
#include "bench/scene.h"
#include "posix/usage.h"
#include "streamdiffusion/devices.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::bench {

namespace {

constexpr float kThreshold = 0.98F;

enum class Filter { none, stochastic, hard };

const char* to_string(Filter filter) {
  switch (filter) {
    case Filter::none:
      return "none";
    case Filter::stochastic:
      return "stochastic";
    case Filter::hard:
      return "hard threshold";
  }
  return "";
}

/// The effect of a filter on a video.
struct Outcome {
  std::int64_t frames = 0;
  std::int64_t skipped = 0;
  std::int64_t longest_freeze = 0;     ///< Largest number of consecutive frames that repeated an old result.
  std::optional<double> gap_variance;  ///< Variance of the distances between processed frames, in frames^2.
  double processor_seconds = 0;
  std::optional<double> joules;
};

/// Collects the gaps between processed frames.
class Gaps {
 public:
  void add(bool processed) {
    ++since_;
    if (processed) {
      end();
      first_ = false;
    }
  }
  /// Ends the last gap at the video's end.
  void end() {
    if (!first_ && since_ > 0) {
      gaps_.push_back(static_cast<double>(since_));
    }
    since_ = 0;
  }
  [[nodiscard]] std::int64_t longest_freeze() const {
    return gaps_.empty() ? 0 : static_cast<std::int64_t>(std::ranges::max(gaps_)) - 1;
  }
  /// Returns the variance of the gaps, or nullopt if there are fewer than two.
  [[nodiscard]] std::optional<double> variance() const {
    if (gaps_.size() < 2) {
      return std::nullopt;
    }
    const auto count = static_cast<double>(gaps_.size());
    const double mean = std::accumulate(gaps_.begin(), gaps_.end(), 0.0) / count;
    const double squares = std::inner_product(gaps_.begin(), gaps_.end(), gaps_.begin(), 0.0);
    return std::max(0.0, squares / count - mean * mean);
  }

 private:
  bool first_ = true;
  std::int64_t since_ = 0;  // frames since the last processed one
  std::vector<double> gaps_;
};

/// A way to measure the energy of the compute device.
struct Energy {
  std::function<Joules()> measure;  ///< Starts a measurement.
  std::string note;                 ///< Source of the figures, or the reason why there are none.
};

Energy energy_of_processors() {
  const bool counted = posix::EnergyMeter().joules().has_value();
  return {[] { return [meter = posix::EnergyMeter()] { return meter.joules(); }; },
          counted ? "Energy: the processors' (RAPL)."
                  : "Energy: this system shows no counter (RAPL) to this program."};
}

Energy energy_of_gpu(const std::string& bus_id) {
  try {
    const Nvml nvml = open_nvml();
    const bool told = measure_gpu(nvml, bus_id)().has_value();
    return {[nvml, bus_id] { return measure_gpu(nvml, bus_id); },
            told ? "Energy: the GPU's (NVML)." : "Energy: NVML tells none of this GPU."};
  } catch (const Error& error) {
    return {[] { return [] { return std::nullopt; }; },
            std::string("Energy: the GPU's cannot be read: ") + error.what()};
  }
}

Energy energy_of(const Model& model) {
  for (const ComputeDevice& gpu : list_compute_devices().gpus) {
    if (model.info().device.starts_with(gpu.device + " ")) {
      return energy_of_gpu(gpu.bus_id);
    }
  }
  return energy_of_processors();
}

Outcome run(const Workbench& bench, const std::vector<Frame>& video, Filter filter, const Energy& energy) {
  Parameters parameters = stream_parameters(2);
  parameters.similarity_filter.enabled = filter == Filter::stochastic;
  parameters.similarity_filter.threshold = kThreshold;
  Stream stream(bench.model, {.width = bench.width, .height = bench.height}, parameters);
  FrameStream frames(stream);
  HardThreshold hard(kThreshold);
  std::vector<Frame> in(1);
  std::vector<Frame> out;
  Gaps gaps;
  const Joules joules = energy.measure();
  const double start = posix::processor_seconds();
  for (const Frame& frame : video) {
    in.front() = frame;
    const bool processed = filter == Filter::hard ? hard.keep(frame) && !frames.step(in, out).skipped
                                                  : !frames.step(in, out).skipped;
    gaps.add(processed);
  }
  gaps.end();
  Outcome outcome{.frames = static_cast<std::int64_t>(video.size()),
                  .longest_freeze = gaps.longest_freeze(),
                  .gap_variance = gaps.variance(),
                  .processor_seconds = posix::processor_seconds() - start,
                  .joules = joules()};
  outcome.skipped = outcome.frames - stream.statistics().steps;
  return outcome;
}

Json row_of(Motion motion, Filter filter, const Outcome& outcome, const Outcome& unfiltered) {
  Json row = {{"scene", to_string(motion)},
              {"filter", to_string(filter)},
              {"frames", outcome.frames},
              {"skipped", outcome.skipped},
              {"longest_freeze", outcome.longest_freeze},
              {"gap_variance", outcome.gap_variance ? Json(*outcome.gap_variance) : Json()},
              {"processor_seconds", outcome.processor_seconds},
              {"processor_share", outcome.processor_seconds / unfiltered.processor_seconds}};
  if (outcome.joules && unfiltered.joules) {
    row["joules"] = *outcome.joules;
    row["energy_share"] = *outcome.joules / *unfiltered.joules;
  }
  return row;
}

/// Returns the number of frames to measure. It covers a pause and a movement of the scene that moves
/// sometimes, unless a frame takes too long.
std::int64_t video_length(const Workbench& bench) {
  const Variant step = stream_variant(bench, stream_parameters(2));
  step();
  return frames_for(3 * bench.seconds, step(), 60, 360);
}

}  // namespace

Table measure_filter(const Workbench& bench) {
  Table table{
      .name = "filter",
      .title =
          "Similarity filter, threshold 0.98, 2 steps, beside a hard threshold that skips all similar frames",
      .columns = {{"scene", "scene"},
                  {"filter", "filter"},
                  {"frames", "frames"},
                  {"skipped", "skipped"},
                  {"longest_freeze", "longest freeze"},
                  {"gap_variance", "variance of gaps"},
                  {"processor_seconds", "processor s", 2},
                  {"processor_share", "of none's", 2},
                  {"joules", "J"},
                  {"energy_share", "of none's", 2}},
      .rows = {},
      .notes = {"Freezes and gaps in frames of 1/30 s. The paper's energy: 1/" +
                std::to_string(paper::kFilterEnergy).substr(0, 4) + " with its filter (RTX 4090)."}};
  const Energy energy = energy_of(*bench.model);
  table.notes.push_back(energy.note);
  const std::int64_t frames = video_length(bench);
  for (const Motion motion : {Motion::still, Motion::sometimes, Motion::always}) {
    const std::vector<Frame> video = Scene(bench.width, bench.height, motion).frames(frames);
    const Outcome unfiltered = run(bench, video, Filter::none, energy);
    table.rows.push_back(row_of(motion, Filter::none, unfiltered, unfiltered));
    for (const Filter filter : {Filter::stochastic, Filter::hard}) {
      table.rows.push_back(row_of(motion, filter, run(bench, video, filter, energy), unfiltered));
    }
  }
  return table;
}

}  // namespace streamdiffusion::bench
