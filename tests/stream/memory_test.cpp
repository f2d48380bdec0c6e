// Checks that a stream's memory stays level while its settings keep changing, as when sliders are dragged for
// hours.

#include "posix/memory.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;

using Random = std::minstd_rand;

constexpr int kWarmUp = 40;
constexpr int kChanges = 60;
constexpr std::size_t kMostGrowth = std::size_t{1} << 20U;

/// The process's resident memory without mapped files.
std::size_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  const std::string key = "RssAnon:";
  for (std::string word; status >> word;) {
    if (std::size_t kilobytes = 0; word == key && status >> kilobytes) {
      return kilobytes * 1024;
    }
  }
  ADD_FAILURE() << "/proc/self/status does not tell " << key;
  return 0;
}

/// Calls `change` many times and checks that memory does not grow.
void expect_level_memory(const std::string& name, const std::function<void(Random&)>& change,
                         int changes = kChanges, std::size_t most_growth = kMostGrowth) {
  Random random(1);
  std::size_t before = 0;
  for (int i = 0; i < kWarmUp + changes; ++i) {
    if (i == kWarmUp) {
      before = resident_bytes();
    }
    change(random);
  }
  EXPECT_LT(resident_bytes(), before + most_growth) << name;
}

/// Changes a stream's parameters many times, with a frame in between, and checks that memory does not grow.
void expect_level_memory(const std::string& name, const StreamOptions& options,
                         const std::function<void(Random&, Parameters&)>& change) {
  Stream stream(load_tiny_model(), options, make_parameters());
  std::int64_t number = 0;
  expect_level_memory(name, [&](Random& random) {
    Parameters parameters = stream.parameters();
    change(random, parameters);
    stream.set_parameters(parameters);
    step_frames(stream, number, options.frame_buffer_size);
    number += options.frame_buffer_size;
  });
}

class MemoryTest : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "sanitizers keep freed memory";
#endif
  }
};

TEST_F(MemoryTest, IsLevelWhileTheNumberOfStepsChanges) {
  const auto change = [](Random& random, Parameters& p) {
    const std::vector<std::vector<int>> lists = {{30}, {22, 45}, {10, 20, 30, 40}};
    p.t_index_list = lists[random() % lists.size()];
  };
  expect_level_memory("steps", make_options(), change);
  expect_level_memory("steps, two at a time", make_options(2), change);
  expect_level_memory("steps, sequential", make_options(1, false), change);
}

TEST_F(MemoryTest, IsLevelWhileAnySettingChanges) {
  const std::vector<std::pair<const char*, std::function<void(Random&, Parameters&)>>> changes = {
      {"strength",
       [](Random& r, Parameters& p) {
         p.t_index_list = {static_cast<int>(r() % 30), 31, 45};
       }},
      {"prompt", [](Random& r, Parameters& p) { p.prompt = "hill " + std::to_string(r() % 1000); }},
      {"transition",
       [](Random& r, Parameters& p) {
         p.prompt = "hill " + std::to_string(r() % 1000);
         p.seed = r();
         p.prompt_transition = p.seed_transition = 1;
       }},
      {"guidance",
       [](Random& r, Parameters& p) {
         p.guidance_scale = 1.5F;
         p.cfg_type = static_cast<CfgType>(r() % 4);
       }},
      {"negative prompt",
       [](Random& r, Parameters& p) {
         p.guidance_scale = 1.5F;
         p.cfg_type = CfgType::full;
         p.negative_prompt = "hill " + std::to_string(r() % 1000);
       }},
      {"seed", [](Random& r, Parameters& p) { p.seed = r(); }},
      {"attention", [](Random& r, Parameters& p) { p.cross_frame_attention = r() % 2 == 0; }},
      {"filter", [](Random& r, Parameters& p) { p.similarity_filter.enabled = r() % 2 == 0; }},
  };
  for (const auto& [name, change] : changes) {
    expect_level_memory(name, make_options(), change);
  }
}

TEST_F(MemoryTest, IsLevelWhileTheSizeOfStreamsChanges) {
  const std::shared_ptr<Model> model = load_tiny_model();
  std::unique_ptr<Stream> stream;
  expect_level_memory("size", [&](Random& random) {
    StreamOptions options = make_options(static_cast<int>(1 + random() % 3), random() % 4 > 0);
    options.width = options.height = static_cast<int>(16 * (1 + random() % 4));
    stream = std::make_unique<Stream>(model, options, make_parameters());
    step_frames(*stream, 0, 4 * options.frame_buffer_size);
  });
}

TEST_F(MemoryTest, IsLevelWhileTheScaleOfALoraChanges) {
  ModelOptions options;
  options.loras = {
      {.file = tests::tiny_model_folder() / "lora-kohya.safetensors", .scale = 0.5F, .name = "kohya"}};
  Stream stream(load_tiny_model(options), make_options(), make_parameters());
  const auto change = [&](Random& random) {
    Parameters parameters = stream.parameters();
    parameters.lora_scales = {{.name = "kohya", .scale = static_cast<float>(random() % 100) / 100}};
    stream.set_parameters(parameters);
  };
  // New weights are packed while the old ones still exist, so the number of large pages varies. A leak of 42
  // kB per change exceeds this limit.
  constexpr int kManyChanges = 150;
  constexpr std::size_t kPagesOfBoth = 3 * posix::kLargePage;
  expect_level_memory("LoRA", change, kManyChanges, kPagesOfBoth);
}

}  // namespace
}  // namespace streamdiffusion
