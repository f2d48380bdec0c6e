// Tests models whose last noise level has no signal (the scheduler's rescale_betas_zero_snr).

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/errors.h"
#include "model/temporary_folder.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;

/// The blue values of some pixels of a 32x32 image.
std::vector<int> blues(const Frame& image) {
  std::vector<int> values;
  constexpr std::size_t kWidth = 32;
  using Place = std::array<std::size_t, 2>;
  for (const auto& [x, y] : {Place{3, 5}, {4, 5}, {5, 5}, {6, 5}, {20, 20}, {21, 20}, {22, 20}, {23, 20}}) {
    values.push_back(image.pixels.at((y * kWidth + x) * 3 + 2));
  }
  return values;
}

void expect_blues(const Frame& image, const std::vector<int>& expected) {
  const std::vector<int> actual = blues(image);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_LE(std::abs(actual[i] - expected[i]), 1) << i << ": " << actual[i] << ", not " << expected[i];
  }
}

class ZeroSnr : public testing::Test {
 protected:
  std::shared_ptr<Model> load(const std::string& prediction_type = "auto") {
    const fs::path folder = temporary_.path() / "model";
    if (!fs::exists(folder)) {
      fs::copy(tests::tiny_model_folder("tiny-v"), folder, fs::copy_options::recursive);
      const fs::path file = folder / "scheduler" / "scheduler_config.json";
      nlohmann::json config = nlohmann::json::parse(std::ifstream(file));
      config["rescale_betas_zero_snr"] = true;
      std::ofstream(file) << config;
    }
    return Model::load({.path = folder, .prediction_type = prediction_type, .threads = 1});
  }
  static Parameters parameters(const std::vector<int>& steps, CfgType type, float scale) {
    Parameters parameters = tests::make_parameters(steps);
    parameters.cfg_type = type;
    parameters.guidance_scale = scale;
    return parameters;
  }
  static Frame draw(const std::shared_ptr<Model>& model, const Parameters& parameters) {
    Stream stream(model, tests::make_options(), parameters);
    std::vector<Frame> images;
    const std::uint32_t variation = 0;
    generate_images(stream, {&variation, 1}, images);
    return images.at(0);
  }

  TemporaryFolder temporary_;
};

// The expected values are those of diffusers: LCMScheduler with rescale_betas_zero_snr, and guidance as in
// StableDiffusionPipeline.
TEST_F(ZeroSnr, ImagesAreThoseOfDiffusers) {
  const auto model = load();
  expect_blues(draw(model, parameters({0}, CfgType::none, 1)), {116, 105, 97, 124, 140, 123, 121, 112});
  expect_blues(draw(model, parameters({0}, CfgType::full, 1.5F)), {113, 96, 90, 125, 145, 124, 126, 118});
  expect_blues(draw(model, parameters({0, 20}, CfgType::none, 1)), {130, 112, 102, 113, 158, 133, 124, 121});
  expect_blues(draw(model, parameters({0, 20}, CfgType::full, 1.5F)),
               {127, 111, 101, 107, 149, 129, 119, 120});
  expect_blues(draw(model, parameters({20}, CfgType::none, 1)), {132, 126, 121, 122, 179, 171, 167, 153});
}

TEST_F(ZeroSnr, AFrameTakenWithoutSignalLeavesNothingOfItself) {
  Stream stream(load(), tests::make_options(), parameters({0, 30}, CfgType::full, 1.5F));
  const Frame one = generate_image(stream, tests::make_frame(1));
  EXPECT_EQ(tests::difference(one, generate_image(stream, tests::make_frame(2))), 0);
  const std::vector<Frame> streamed = tests::run_frames(stream, 3, 3);
  ASSERT_EQ(streamed.size(), 3U);
  for (const Frame& frame : streamed) {
    EXPECT_LE(tests::difference(frame, one), 1);
  }
}

TEST_F(ZeroSnr, GuidanceCanChangeWhileFramesAreInFlight) {
  Stream stream(load(), tests::make_options(), parameters({0, 30}, CfgType::full, 1.5F));
  tests::step_frames(stream, 0, 3);
  const Parameters residual = parameters({10, 30}, CfgType::self, 1.5F);
  stream.set_parameters(residual);
  tests::step_frames(stream, 3, 3);
  const Frame frame = tests::step_frames(stream, 6, 1).at(0);
  EXPECT_LE(tests::difference(frame, generate_image(Stream(load(), tests::make_options(), residual),
                                                    tests::make_frame(frame.number))),
            1);
}

TEST_F(ZeroSnr, WhatNeedsSignalSaysSo) {
  const auto model = load();
  for (const CfgType type : {CfgType::self, CfgType::initialize}) {
    expect_error([&] { draw(model, parameters({0}, type, 1.5F)); },
                 {"rescale_betas_zero_snr", "no signal", to_string(type), "full or none", "from 1 on"});
    EXPECT_NO_THROW(draw(model, parameters({1}, type, 1.5F)));
  }
  const auto of_noise = load("epsilon");
  expect_error([&] { draw(of_noise, parameters({0}, CfgType::none, 1)); },
               {"rescale_betas_zero_snr", "epsilon", "from 1 on", "v_prediction"});
  EXPECT_NO_THROW(draw(of_noise, parameters({1}, CfgType::none, 1)));
}

}  // namespace
}  // namespace streamdiffusion
