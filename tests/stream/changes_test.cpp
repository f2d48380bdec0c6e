// Tests parameters that change while a stream runs.

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "streamdiffusion/error.h"
#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;

std::shared_ptr<Model> load_with_lora(float scale) {
  ModelOptions options;
  options.loras = {
      {.file = tests::tiny_model_folder() / "lora-kohya.safetensors", .scale = scale, .name = "kohya"}};
  return load_tiny_model(options);
}

/// Runs frames 0 to 5, changes the parameters and runs frames 6 to 13. Checks that all come out in order, and
/// that frames after the change equal those of a stream with the new parameters only.
std::vector<Frame> expect_change_reaches_new_frames(const std::shared_ptr<Model>& model,
                                                    const Parameters& before, const Parameters& after) {
  Stream stream(model, make_options(), before);
  std::vector<Frame> out = step_frames(stream, 0, 6);
  stream.set_parameters(after);
  const std::vector<Frame> rest = run_frames(stream, 6, 8);
  out.insert(out.end(), rest.begin(), rest.end());
  Stream fresh(model, make_options(), after);
  for (const Frame& frame : out) {
    if (frame.number >= 6) {
      EXPECT_LE(difference(frame, generate_image(fresh, make_frame(frame.number))), 1)
          << "frame " << frame.number;
    }
  }
  const std::vector<std::int64_t> order = numbers(out);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_TRUE(std::ranges::adjacent_find(order) == order.end()) << "a frame was shown twice";
  EXPECT_EQ(order.back(), 13);
  EXPECT_GE(std::ranges::count_if(order, [](std::int64_t number) { return number >= 6; }), 8);
  return out;
}

TEST(Changes, ThatKeepTheNumberOfStepsLoseNoFrame) {
  const auto model = load_tiny_model();
  const auto expect_all = [&model](const Parameters& after) {
    EXPECT_EQ(expect_change_reaches_new_frames(model, make_parameters(), after).size(), 14U);
  };
  Parameters after = make_parameters();
  after.prompt = "a green hill under snow";
  expect_all(after);
  after.cfg_type = CfgType::self;
  after.guidance_scale = 1.5F;
  expect_all(after);
  after.cfg_type = CfgType::full;
  expect_all(after);
  after.cfg_type = CfgType::initialize;
  after.delta = 0.5F;
  after.do_add_noise = false;
  expect_all(after);
  expect_all(make_parameters({10, 20, 40}));
  after = make_parameters();
  after.seed = 9;
  expect_all(after);
}

TEST(Changes, OfThePromptActOnTheFramesInFlight) {
  const auto model = load_tiny_model();
  Parameters parameters = make_parameters();
  Stream stream(model, make_options(), parameters);
  step_frames(stream, 0, 2);
  parameters.prompt = "night";
  stream.set_parameters(parameters);
  const Frame in_flight = step_frames(stream, 2, 1).at(0);
  EXPECT_EQ(in_flight.number, 0);
  Stream before(model, make_options(), make_parameters());
  EXPECT_GT(difference(in_flight, generate_image(before, make_frame(0))), 0);
}

TEST(Changes, OfTheNoiseNoiseTheRowsInFlightAgain) {
  // A change noises the rows in flight again. The last step's row then gives the result of a run with the new
  // noise from the same predicted x_0. So changing back and forth between two steps changes nothing.
  const auto model = load_tiny_model();
  Parameters parameters = make_parameters();
  Parameters other = make_parameters({5, 15, 25});
  other.seed = 77;
  Stream stream(model, make_options(), parameters);
  step_frames(stream, 0, 2);
  stream.set_parameters(other);
  stream.set_parameters(parameters);
  const Frame out = step_frames(stream, 2, 1).at(0);
  Stream fresh(model, make_options(), parameters);
  EXPECT_LE(difference(out, generate_image(fresh, make_frame(0))), 1);
}

TEST(Changes, OfTheNumberOfStepsKeepFramesInOrderAndShowNoneTwice) {
  const auto model = load_tiny_model();
  const std::vector<std::vector<int>> lists = {
      {30}, {22, 45}, {22, 32, 45}, {0, 16, 32, 45}, {5, 10, 15, 20, 40}};
  for (const std::vector<int>& before : lists) {
    for (const std::vector<int>& after : lists) {
      if (before.size() != after.size()) {
        expect_change_reaches_new_frames(model, make_parameters(before), make_parameters(after));
      }
    }
  }
}

TEST(Changes, ToMoreStepsShowEveryFrameInFlight) {
  const auto model = load_tiny_model();
  EXPECT_EQ(expect_change_reaches_new_frames(model, make_parameters({22, 45}), make_parameters({22, 32, 45}))
                .size(),
            14U);
}

TEST(Changes, BeforeTheFirstFrameNeedNoFrames) {
  const auto model = load_tiny_model();
  Stream stream(model, make_options(), make_parameters({30}));
  stream.set_parameters(make_parameters({22, 32, 45}));
  const std::vector<Frame> out = run_frames(stream, 0, 2);
  Stream fresh(model, make_options(), make_parameters({22, 32, 45}));
  ASSERT_EQ(out.size(), 2U);
  EXPECT_LE(difference(out[0], generate_image(fresh, make_frame(0))), 1);
}

TEST(Changes, OfTheNumberOfStepsWhileImagesAreInFlightShowEachOnce) {
  const auto model = load_tiny_model();
  Stream stream(model, make_options(2), make_parameters({0, 25}));
  std::vector<Frame> out;
  generate(stream, out);
  stream.set_parameters(make_parameters({0, 16, 32, 45}));
  EXPECT_EQ(numbers(tests::drain_all(stream)), (std::vector<std::int64_t>{0, 1}));
}

TEST(Changes, OfALoraScaleSwapTheWeights) {
  const auto model = load_with_lora(0.8F);
  Parameters without = make_parameters();
  without.lora_scales = {{.name = "kohya", .scale = 0.0F}};
  EXPECT_EQ(expect_change_reaches_new_frames(model, make_parameters(), without).size(), 14U);

  Stream changed(model, make_options(), without);
  Stream plain(load_tiny_model(), make_options(), make_parameters());
  Stream strong(model, make_options(), make_parameters());
  const Frame expected = generate_image(plain, make_frame(0));
  EXPECT_EQ(difference(generate_image(changed, make_frame(0)), expected), 0);
  EXPECT_GT(difference(generate_image(strong, make_frame(0)), expected), 1);
}

TEST(Changes, ThatAreInvalidAreRefusedAndChangeNothing) {
  const auto model = load_tiny_model();
  Stream stream(model, make_options(), make_parameters());
  step_frames(stream, 0, 2);
  const auto refused = [&stream](auto&& change) {
    Parameters parameters = make_parameters();
    change(parameters);
    EXPECT_THROW(stream.set_parameters(parameters), Error);
  };
  refused([](Parameters& p) { p.t_index_list = {45, 32}; });
  refused([](Parameters& p) { p.t_index_list = {}; });
  refused([](Parameters& p) { p.num_inference_steps = 51; });
  refused([](Parameters& p) { p.guidance_scale = std::numeric_limits<float>::quiet_NaN(); });
  refused([](Parameters& p) { p.delta = std::numeric_limits<float>::infinity(); });
  refused([](Parameters& p) { p.similarity_filter.threshold = 1.5F; });
  refused([](Parameters& p) { p.similarity_filter.max_skip_frame = -1; });
  refused([](Parameters& p) { p.lora_scales = {{.name = "nobody", .scale = 1.0F}}; });
  refused([](Parameters& p) { p.guidance_embedding = 7.5F; });
  refused([](Parameters& p) { p.prompt = "\xff\xfe"; });
  EXPECT_EQ(stream.parameters(), make_parameters());
  EXPECT_EQ(run_frames(stream, 2, 1).size(), 3U);
}

}  // namespace
}  // namespace streamdiffusion
