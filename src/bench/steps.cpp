#include <algorithm>
#include <cstddef>

#include "bench/paper.h"
#include "bench/parts.h"

namespace streamdiffusion::bench {

namespace {

using Kind = TimedStream::Kind;

struct Case {
  Kind kind;
  int steps;
};

Json row_of(const Case& one, const Spread& time, const Spread& one_step) {
  Json row = {{"mode", one.kind == Kind::image_to_image ? "image to image" : "text to image"},
              {"steps", one.steps},
              {"milliseconds", to_json(time, 1e3)},
              {"frames_per_second", 1 / time.median},
              {"times_one_step", time.median / one_step.median}};
  const auto paper = std::ranges::find(paper::kStreamDiffusion, one.steps, &paper::StepTime::steps);
  if (one.kind == Kind::image_to_image && paper != paper::kStreamDiffusion.end()) {
    row["paper_milliseconds"] = paper->milliseconds;
    row["paper_times_one_step"] = paper->milliseconds / paper::kStreamDiffusion.front().milliseconds;
  }
  return row;
}

}  // namespace

Table measure_steps(const Workbench& bench) {
  std::vector<Case> cases;
  std::vector<Variant> variants;
  for (const Kind kind : {Kind::image_to_image, Kind::text_to_image}) {
    for (const int steps : {1, 2, 4, 10}) {
      cases.push_back({kind, steps});
      variants.push_back(stream_variant(
          bench, kind == Kind::image_to_image ? stream_parameters(steps) : text_parameters(steps), true,
          kind));
    }
  }
  const std::vector<Spread> times = take_turns(variants, bench.seconds);
  Table table{.name = "steps",
              .title = "Denoising steps (the paper's Table 1): time of a frame, stream batch",
              .columns = {{"mode", "mode"},
                          {"steps", "steps"},
                          {"milliseconds", "ms (quartiles)", 2},
                          {"frames_per_second", "frames/s"},
                          {"times_one_step", "to one step", 2},
                          {"paper_milliseconds", "paper, ms", 2},
                          {"paper_times_one_step", "paper, to one step", 2}},
              .rows = {},
              .notes = {"The paper's: RTX 4090, TensorRT, 512x512."}};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Spread& one_step = times[cases[i].kind == Kind::image_to_image ? 0 : cases.size() / 2];
    table.rows.push_back(row_of(cases[i], times[i], one_step));
  }
  return table;
}

}  // namespace streamdiffusion::bench
