#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "settings/settings.h"

namespace streamdiffusion::server {

/// One frame that a session computes for an order.
// NOLINTNEXTLINE(bugprone-exception-escape): what moving JSON checks cannot fail
struct PlannedImage {
  nlohmann::json settings;           ///< Settings to change before the frame; empty: none.
  std::uint16_t variation = 0;       ///< Variation of the seed's noise, for text to image.
  std::optional<std::size_t> input;  ///< Index of the image to transform; none: text to image.
  std::optional<int> partial;  ///< Index of a partial image, which has fewer denoising steps; none: a result.
};

/// Plans `count` images of each input, or of the prompt alone if `inputs` is 0. Each result is preceded by up
/// to `partial_images` images with fewer denoising steps, at most one a step. Image k of an input has the
/// seed of `settings` plus k; without inputs it has variation k.
std::vector<PlannedImage> plan_images(const Settings& settings, std::size_t inputs, int count,
                                      int partial_images);

}  // namespace streamdiffusion::server
