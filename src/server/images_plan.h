#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "control/settings.h"

namespace streamdiffusion::server {

/// One frame that a session is given to draw for an order.
// NOLINTNEXTLINE(bugprone-exception-escape): what moving JSON checks cannot fail
struct Drawing {
  nlohmann::json settings;           ///< to be changed before; empty: none
  std::uint16_t variation = 0;       ///< of text to image
  std::optional<std::size_t> input;  ///< the image to draw anew; none: text to image
  std::optional<int> partial;        ///< the index of a picture that later steps go on from; none: a result
};

/// The drawings that make `count` pictures of each input (of the prompt alone where there are none). Before
/// each picture come up to `partial_images` of it after fewer denoising steps, at most one a step. Picture k
/// has the seed of `settings` plus k.
std::vector<Drawing> plan_drawings(const Settings& settings, std::size_t inputs, int count,
                                   int partial_images);

}  // namespace streamdiffusion::server
