#include <algorithm>
#include <functional>
#include <numeric>

#include "kinds.h"
#include "streamdiffusion/random_generator.h"

namespace streamdiffusion::conformance {

Outputs run_noise(const Case& c, const RunOptions& /*options*/) {
  const auto seed = c.parameters().at("seed").get<std::uint64_t>();
  const bool successive = c.parameters().value("successive", false);
  const auto shapes = c.parameters().at("shapes").get<std::vector<std::vector<std::int64_t>>>();
  Outputs outputs;
  RandomGenerator generator(seed);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (!successive) {
      generator = RandomGenerator(seed);
    }
    const std::int64_t count =
        std::accumulate(shapes[i].begin(), shapes[i].end(), std::int64_t{1}, std::multiplies<>());
    std::vector<float> values(static_cast<std::size_t>(count));
    generator.randn(values);
    outputs["out." + std::to_string(i)] = {shapes[i], std::move(values)};
  }
  return outputs;
}

}  // namespace streamdiffusion::conformance
