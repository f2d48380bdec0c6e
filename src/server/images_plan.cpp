#include "server/images_plan.h"

#include <algorithm>

namespace streamdiffusion::server {

namespace {

using Json = nlohmann::json;

/// The denoising steps of an image, as indices into the schedule.
std::vector<int> steps_of(Settings settings, bool is_text_to_image) {
  if (is_text_to_image) {
    settings.strength = 1;
  }
  return make_parameters(settings).t_index_list;
}

/// The step counts after which a partial image is shown: evenly spread, without the last step.
std::vector<std::size_t> partial_steps(std::size_t steps, int partial_images) {
  const std::size_t count = std::min(static_cast<std::size_t>(partial_images), steps - 1);
  std::vector<std::size_t> shown;
  for (std::size_t i = 1; i <= count; ++i) {
    shown.push_back(i * steps / (count + 1));
  }
  return shown;
}

/// Sets the seed, or the blended seeds, of image `k` of an image-to-image order.
void set_seed(const Parameters& parameters, std::uint64_t k, Json& change) {
  if (parameters.seeds.empty()) {
    change["seed"] = parameters.seed + k;
    return;
  }
  for (const WeightedSeed& seed : parameters.seeds) {
    change["seeds"].push_back({{"seed", seed.seed + k}, {"weight", seed.weight}});
  }
}

}  // namespace

std::vector<PlannedImage> plan_images(const Settings& settings, std::size_t inputs, int count,
                                      int partial_images) {
  const bool is_text_to_image = inputs == 0;
  const std::vector<int> steps = steps_of(settings, is_text_to_image);
  const std::vector<std::size_t> shown = partial_steps(steps.size(), partial_images);
  std::vector<PlannedImage> images;
  const auto add = [&](std::size_t input, int k, std::size_t step_count, std::optional<int> partial) {
    PlannedImage image{.settings = Json::object(),
                       .variation = static_cast<std::uint16_t>(is_text_to_image ? k : 0),
                       .input = is_text_to_image ? std::nullopt : std::optional(input),
                       .partial = partial};
    if (!shown.empty()) {
      image.settings["t_index_list"] =
          std::vector(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(step_count));
    }
    if (!is_text_to_image && count > 1) {
      set_seed(settings.parameters, static_cast<std::uint64_t>(k), image.settings);
    }
    images.push_back(std::move(image));
  };
  for (std::size_t input = 0; input < std::max<std::size_t>(inputs, 1); ++input) {
    for (int k = 0; k < count; ++k) {
      for (std::size_t i = 0; i < shown.size(); ++i) {
        add(input, k, shown[i], static_cast<int>(i));
      }
      add(input, k, steps.size(), std::nullopt);
    }
  }
  return images;
}

}  // namespace streamdiffusion::server
