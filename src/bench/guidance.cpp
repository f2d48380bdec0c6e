#include <array>
#include <cstddef>

#include "bench/paper.h"
#include "bench/parts.h"

namespace streamdiffusion::bench {

namespace {

constexpr std::array<CfgType, 4> kTypes = {CfgType::none, CfgType::self, CfgType::initialize, CfgType::full};

/// Measures all kinds of guidance at one number of steps, in the order of kTypes.
std::vector<Spread> measure(const Workbench& bench, int steps) {
  std::vector<Variant> variants;
  for (const CfgType type : kTypes) {
    variants.push_back(stream_variant(bench, guided_parameters(type, steps)));
  }
  return take_turns(variants, bench.seconds);
}

}  // namespace

Table measure_guidance(const Workbench& bench) {
  Table table{.name = "guidance",
              .title = "Guidance (the paper's Table 2): time of a frame, stream batch",
              .columns = {{"steps", "steps"},
                          {"guidance", "guidance"},
                          {"unet_rows", "UNet rows"},
                          {"milliseconds", "ms (quartiles)", 2},
                          {"full_by_this", "full / this", 2}},
              .rows = {},
              .notes = {"The paper's: residual guidance up to " +
                        std::to_string(paper::kResidualGuidance).substr(0, 4) +
                        " times as fast as full. initialize is its onetime negative."}};
  for (int steps = 1; steps <= 5; ++steps) {
    const std::vector<Spread> times = measure(bench, steps);
    for (std::size_t i = 0; i < kTypes.size(); ++i) {
      const int rows = kTypes[i] == CfgType::full         ? 2 * steps
                       : kTypes[i] == CfgType::initialize ? steps + 1
                                                          : steps;
      table.rows.push_back({{"steps", steps},
                            {"guidance", to_string(kTypes[i])},
                            {"unet_rows", rows},
                            {"milliseconds", to_json(times[i], 1e3)},
                            {"full_by_this", times.back().median / times[i].median}});
    }
  }
  return table;
}

}  // namespace streamdiffusion::bench
