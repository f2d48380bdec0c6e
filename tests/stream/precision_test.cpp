#include <gtest/gtest.h>

#include "device/cpu/features.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

constexpr int kSide = 256;  // The model's native size.
constexpr int kFrames = 4;

std::shared_ptr<Model> load(const std::filesystem::path& path, const std::string& precision,
                            std::vector<LoraOptions> loras = {}) {
  return Model::load({.path = path, .loras = std::move(loras), .precision = precision, .threads = 1});
}

/// A frame of a ball that rolls over a shaded background.
Frame make_scene(int number) {
  Frame frame;
  frame.resize(kSide, kSide);
  frame.number = number;
  const int centre = 60 + 20 * number;
  auto pixel = frame.pixels.begin();
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const bool is_ball = (x - centre) * (x - centre) + (y - 140) * (y - 140) < 50 * 50;
      *pixel++ = static_cast<std::uint8_t>(is_ball ? 220 : 60 + x / 4);
      *pixel++ = static_cast<std::uint8_t>(is_ball ? 60 + y / 2 : 120 + y / 4);
      *pixel++ = static_cast<std::uint8_t>(is_ball ? 40 : 200);
    }
  }
  return frame;
}

std::vector<Frame> redraw_scene(const std::shared_ptr<Model>& model, const std::vector<int>& t_index_list) {
  Parameters parameters;
  parameters.prompt = "red apple on a light blue background";
  parameters.t_index_list = t_index_list;
  Stream stream(model, {.width = kSide, .height = kSide}, parameters);
  std::vector<Frame> all;
  std::vector<Frame> out;
  for (int i = 0; i < kFrames; ++i) {
    step(stream, {make_scene(i)}, out);
    all.insert(all.end(), out.begin(), out.end());
  }
  const std::vector<Frame> rest = tests::drain_all(stream);
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

/// The peak signal-to-noise ratio over all frames in decibels; infinite if they are equal.
double peak_signal_to_noise(const std::vector<Frame>& a, const std::vector<Frame>& b) {
  double squares = 0;
  double count = 0;
  for (std::size_t frame = 0; frame < a.size(); ++frame) {
    for (std::size_t i = 0; i < a[frame].pixels.size(); ++i) {
      const double error = a[frame].pixels[i] - b[frame].pixels[i];
      squares += error * error;
      ++count;
    }
  }
  return 10 * std::log10(255.0 * 255.0 * count / squares);
}

/// True if this machine rounds anything at a precision: bfloat16 is only used where it is faster.
bool rounds(const std::string& precision) { return precision == "int8" || cpu::Features::detect().bf16; }

struct Loss {
  std::string precision;
  double decibels;  // Least peak signal-to-noise ratio.
};

class ReducedPrecision : public testing::TestWithParam<Loss> {};

TEST_P(ReducedPrecision, KeepsTheDefaultModelsImagesTheSameToTheEye) {
  const auto& [precision, least] = GetParam();
  const std::filesystem::path folder = std::filesystem::path(PROJECT_FOLDER) / "models" / "default";
  const auto exact = load(folder, "f32");
  const auto rounded = load(folder, precision);
  for (const std::vector<int>& t_index_list : {std::vector{20}, std::vector{15, 25, 35, 45}}) {
    const std::vector<Frame> wanted = redraw_scene(exact, t_index_list);
    const std::vector<Frame> given = redraw_scene(rounded, t_index_list);
    ASSERT_EQ(given.size(), wanted.size());
    const double decibels = peak_signal_to_noise(wanted, given);
    EXPECT_GT(decibels, least) << t_index_list.size() << " steps";
    EXPECT_EQ(decibels < 80, rounds(precision));
  }
}

TEST_P(ReducedPrecision, AppliesLorasAtTheScaleOfTheMoment) {
  const std::string& precision = GetParam().precision;
  const LoraOptions lora{.file = tests::tiny_model_folder() / "lora-kohya.safetensors", .name = "kohya"};
  const auto exact = load(tests::tiny_model_folder(), "f32", {lora});
  const auto rounded = load(tests::tiny_model_folder(), precision, {lora});
  Stream wanted(exact, tests::make_options(), tests::make_parameters());
  Stream given(rounded, tests::make_options(), tests::make_parameters());
  for (const float scale : {0.0F, 0.5F, 1.0F}) {
    Parameters parameters = tests::make_parameters();
    parameters.lora_scales = {{.name = "kohya", .scale = scale}};
    wanted.set_parameters(parameters);
    given.set_parameters(parameters);
    const double decibels =
        peak_signal_to_noise(tests::run_frames(wanted, 0, 6), tests::run_frames(given, 0, 6));
    EXPECT_GT(decibels, 30) << "scale " << scale;
    EXPECT_EQ(decibels < 80, rounds(precision));
  }
}

INSTANTIATE_TEST_SUITE_P(Each, ReducedPrecision, testing::Values(Loss{"int8", 35}, Loss{"bf16", 40}),
                         [](const auto& loss) { return loss.param.precision; });

}  // namespace
}  // namespace streamdiffusion
