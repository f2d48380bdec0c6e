// Makes every allocation of a call fail in turn and checks that the stream stays unchanged.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "device/failing_device.h"
#include "host_allocations.h"
#include "model/model_impl.h"
#include "stream/stream_impl.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;

/// A call on the stream; returns the frames that come out. `attempt` differs with each call, for values that
/// must not come from a cache.
using Call = std::function<std::vector<Frame>(Stream& stream, std::size_t attempt)>;
using Change = std::function<void(Parameters& parameters, std::size_t attempt)>;

struct Scenario {
  std::string name;
  Call call;                                                                ///< The call that fails.
  Call before = [](Stream&, std::size_t) { return std::vector<Frame>(); };  ///< Sets up the stream's state.
  StreamOptions options = make_options();
  Parameters parameters = make_parameters();
};

bool are_equal(const std::vector<Frame>& a, const std::vector<Frame>& b) {
  return std::ranges::equal(a, b, [](const Frame& one, const Frame& other) {
    return one.number == other.number && one.time == other.time && one.pixels == other.pixels;
  });
}

std::vector<Frame> frames_from(const Stream& stream, std::int64_t first) {
  std::vector<Frame> frames;
  for (int i = 0; i < stream.options().frame_buffer_size; ++i) {
    frames.push_back(make_frame(first + i));
  }
  return frames;
}

std::vector<Frame> step(Stream& stream, std::int64_t first) {
  std::vector<Frame> out;
  step(stream, frames_from(stream, first), out);
  return out;
}

std::vector<Frame> drain(Stream& stream) {
  std::vector<Frame> out;
  drain(stream, out);
  return out;
}

Call draining() {
  return [](Stream& stream, std::size_t) { return drain(stream); };
}

Call stepping(std::int64_t first, std::int64_t count = 1) {
  return [=](Stream& stream, std::size_t) {
    if (count == 1) {
      return step(stream, first);  // Allocates nothing after the step, since that could fail too.
    }
    std::vector<Frame> all;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::vector<Frame> out = step(stream, first + i * stream.options().frame_buffer_size);
      all.insert(all.end(), out.begin(), out.end());
    }
    return all;
  };
}

Call generating() {
  return [](Stream& stream, std::size_t) {
    std::vector<Frame> out;
    generate(stream, out);
    return out;
  };
}

Call setting(const Change& change) {
  return [=](Stream& stream, std::size_t attempt) {
    Parameters parameters = stream.parameters();
    change(parameters, attempt);
    stream.set_parameters(parameters);
    return std::vector<Frame>();
  };
}

Call in_order(const std::vector<Call>& calls) {
  return [=](Stream& stream, std::size_t attempt) {
    std::vector<Frame> last;
    for (const Call& call : calls) {
      last = call(stream, attempt);
    }
    return last;
  };
}

Change prompt_change() {
  return [](Parameters& parameters, std::size_t attempt) {
    parameters.prompt = "hill " + std::to_string(attempt);
  };
}

/// A way to make the n-th allocation fail.
class Failure {
 public:
  virtual ~Failure() = default;
  virtual void arm(std::size_t count) = 0;
  /// True if an allocation has failed since `arm`. None fails from here on.
  virtual bool disarm() = 0;
  /// The next allocation to make fail.
  [[nodiscard]] virtual std::size_t after(std::size_t count) const { return count + 1; }
};

class DeviceFailure : public Failure {
 public:
  explicit DeviceFailure(tests::FailingDevice& device) : device_(device) {}
  void arm(std::size_t count) override { device_.fail_at(count); }
  bool disarm() override {
    const bool has_failed = device_.has_failed();
    device_.fail_at(0);
    return has_failed;
  }

 private:
  tests::FailingDevice& device_;
};

#ifdef __SANITIZE_ADDRESS__
constexpr bool kIsSlow = true;  // An attempt takes ten times as long.
#else
constexpr bool kIsSlow = false;
#endif

/// Makes host allocations fail. There are thousands, so after the first ones only some are tried.
class HostFailure : public Failure {
 public:
  static constexpr std::size_t kAllTried = kIsSlow ? 15 : 60;
  static constexpr std::size_t kGrowth = kIsSlow ? 2 : 3;
  void arm(std::size_t count) override { tests::fail_host_allocation(count); }
  bool disarm() override {
    const bool has_failed = tests::has_host_allocation_failed();
    tests::fail_host_allocation(0);
    return has_failed;
  }
  [[nodiscard]] std::size_t after(std::size_t count) const override {
    return count + 1 + (count > kAllTried ? count / kGrowth : 0);
  }
};

class FailureTest : public testing::Test {
 protected:
  FailureTest() {
    Model::Impl& impl = ModelAccess::impl(*model_);
    impl.device = &device_;
    std::destroy_at(&impl.arena);
    std::construct_at(&impl.arena, device_);
  }

  static std::shared_ptr<Model> load() {
    ModelOptions options;
    options.loras = {
        {.file = tests::tiny_model_folder() / "lora-kohya.safetensors", .scale = 0.5F, .name = "kohya"}};
    return load_tiny_model(options);
  }

  static std::unique_ptr<Stream> make(const std::shared_ptr<Model>& model, const Scenario& scenario) {
    auto stream = std::make_unique<Stream>(model, scenario.options, scenario.parameters);
    scenario.before(*stream, 0);
    return stream;
  }

  /// Runs the call while the `count`-th allocation fails. Returns nothing if it threw.
  std::optional<std::vector<Frame>> try_call(Stream& stream, const Call& call, Failure& failure,
                                             std::size_t count) {
    ModelAccess::impl(*model_).arena.release();  // Makes the call allocate again.
    failure.arm(count);
    try {
      return call(stream, count);
    } catch (const Error&) {
      return std::nullopt;
    } catch (const std::bad_alloc&) {
      return std::nullopt;
    }
  }

  void expect_same_state(const Stream& stream, const Stream& twin, const std::string& what) {
    EXPECT_EQ(stream.parameters(), twin.parameters()) << what;
    EXPECT_EQ(stream.in_flight(), twin.in_flight()) << what;
  }

  void expect_same_step(Stream& stream, Stream& twin, const std::string& what) {
    next_frame_ += stream.options().frame_buffer_size;
    EXPECT_TRUE(are_equal(step(stream, next_frame_), step(twin, next_frame_))) << what;
    expect_same_state(stream, twin, what);
  }

  /// Checks that the stream equals its twin. Some attempts then compare frames, others leave the state for
  /// the next one.
  void expect_same_after_failure(Stream& stream, Stream& twin, std::size_t failures,
                                 const std::string& what) {
    expect_same_state(stream, twin, what);
    if (failures % 3 != 0) {
      EXPECT_TRUE(are_equal(drain(stream), drain(twin))) << what << ", drained";
    }
    if (failures % 3 != 0) {
      expect_same_step(stream, twin, what);
      expect_same_step(stream, twin, what);
    }
  }

  /// Runs a scenario with each allocation failing in turn and compares with a twin, whose model has no
  /// failures. Returns the number of failures.
  std::size_t count_harmless_failures(const Scenario& scenario, Failure& failure) {
    std::unique_ptr<Stream> stream = make(model_, scenario);
    std::unique_ptr<Stream> twin = make(twin_model_, scenario);
    next_frame_ = 100;
    std::size_t failures = 0;
    for (std::size_t count = 1; !HasFailure(); count = failure.after(count)) {
      const std::string what = scenario.name + ", allocation " + std::to_string(count);
      const std::optional<std::vector<Frame>> given = try_call(*stream, scenario.call, failure, count);
      const bool has_failed = failure.disarm();
      failures += has_failed ? 1 : 0;
      if (!given) {
        EXPECT_TRUE(has_failed) << what;
        expect_same_after_failure(*stream, *twin, failures, what);
        continue;
      }
      EXPECT_TRUE(are_equal(*given, scenario.call(*twin, count))) << what;
      for (int i = 0; i < 3; ++i) {
        expect_same_step(*stream, *twin, what);
      }
      EXPECT_TRUE(are_equal(drain(*stream), drain(*twin))) << what;
      EXPECT_TRUE(are_equal(generating()(*stream, 0), generating()(*twin, 0))) << what;
      if (!has_failed) {
        break;
      }
      stream = make(model_, scenario);  // The call succeeded despite the failure.
      twin = make(twin_model_, scenario);
    }
    return failures;
  }

  /// The model of a stream made by `make`.
  [[nodiscard]] static std::shared_ptr<Model> model_of(const Stream& stream) {
    return StreamAccess::impl(stream).model;
  }

  void expect_failures_change_nothing(const std::vector<Scenario>& scenarios) {
    DeviceFailure of_device(device_);
    HostFailure of_host;
    for (const Scenario& scenario : scenarios) {
      const std::size_t failures =
          count_harmless_failures(scenario, of_device) + count_harmless_failures(scenario, of_host);
      EXPECT_GT(failures, 0U) << scenario.name;
    }
  }

 private:
  std::shared_ptr<Model> model_ = load();
  std::shared_ptr<Model> twin_model_ = load();
  tests::FailingDevice device_{*ModelAccess::impl(*model_).device};
  std::int64_t next_frame_ = 0;
};

/// Scenarios of a change on streams of all kinds, with frames in flight.
std::vector<Scenario> changing(const std::string& name, const Change& change) {
  const Call make_image = [](Stream& stream, std::size_t) { return std::vector{generate_image(stream)}; };
  return {
      {.name = name, .call = setting(change), .before = stepping(0, 4)},
      {.name = name + ", beside an image",
       .call = setting(change),
       .before = in_order({make_image, stepping(0, 2)})},
      {.name = name + ", two at a time",
       .call = setting(change),
       .before = stepping(0, 4),
       .options = make_options(2)},
      {.name = name + ", sequential",
       .call = setting(change),
       .before = stepping(0, 2),
       .options = make_options(1, false)},
      {.name = name + ", text to image",
       .call = setting(change),
       .before = in_order({generating(), generating()})},
  };
}

TEST_F(FailureTest, LeavesTheNumberOfStepsAsItWas) {
  expect_failures_change_nothing(changing("more steps", [](Parameters& p, std::size_t) {
    p.t_index_list = {10, 20, 30, 40};
  }));
  expect_failures_change_nothing(
      changing("one step", [](Parameters& p, std::size_t) { p.t_index_list = {30}; }));
}

TEST_F(FailureTest, LeavesTheScheduleAsItWas) {
  expect_failures_change_nothing(changing("other steps", [](Parameters& p, std::size_t) {
    p.t_index_list = {10, 20, 40};
  }));
}

TEST_F(FailureTest, LeavesPromptsAsTheyWere) {
  expect_failures_change_nothing(changing("prompt", prompt_change()));
  expect_failures_change_nothing(changing("two prompts", [](Parameters& p, std::size_t attempt) {
    p.prompts = {{.text = "hill " + std::to_string(attempt)}, {.text = "snow"}};
  }));
  expect_failures_change_nothing(changing("negative prompt", [](Parameters& p, std::size_t attempt) {
    p.negative_prompt = "mud " + std::to_string(attempt);
    p.cfg_type = CfgType::full;
    p.guidance_scale = 1.5F;
  }));
}

TEST_F(FailureTest, LeavesGuidanceAndAttentionAsTheyWere) {
  expect_failures_change_nothing(changing("guidance", [](Parameters& p, std::size_t) {
    p.cfg_type = CfgType::initialize;
    p.guidance_scale = 1.5F;
    p.delta = 0.5F;
    p.cross_frame_attention = true;
  }));
}

TEST_F(FailureTest, LeavesNoiseAsItWas) {
  expect_failures_change_nothing(changing("seed", [](Parameters& p, std::size_t) { p.seed = 9; }));
  expect_failures_change_nothing(changing("two seeds", [](Parameters& p, std::size_t) {
    p.seeds = {{.seed = 3}, {.seed = 4}};
    p.do_add_noise = false;
  }));
}

TEST_F(FailureTest, LeavesTheFilterAsItWas) {
  expect_failures_change_nothing(
      changing("filter", [](Parameters& p, std::size_t) { p.similarity_filter.enabled = true; }));
}

TEST_F(FailureTest, LeavesWeightsAsTheyWere) {
  expect_failures_change_nothing({{.name = "LoRA",
                                   .call = setting([](Parameters& p, std::size_t attempt) {
                                     p.lora_scales = {
                                         {.name = "kohya", .scale = 0.01F * static_cast<float>(attempt)}};
                                   }),
                                   .before = stepping(0, 4)}});
}

/// A scenario in which the stream is in transition to another prompt and seed.
Scenario in_transition(const std::string& name, const Call& call) {
  Scenario scenario{.name = name + ", in a transition", .call = call};
  scenario.parameters.prompt_transition = 60;
  scenario.parameters.seed_transition = 60;
  const Call change = setting([](Parameters& p, std::size_t) {
    p.prompt = "night";
    p.seed = 9;
  });
  scenario.before = in_order({stepping(0, 4), change, stepping(10, 2)});
  return scenario;
}

TEST_F(FailureTest, LeavesTransitionsWhereTheyWere) {
  expect_failures_change_nothing({in_transition("another prompt", setting(prompt_change())),
                                  in_transition("more steps", setting([](Parameters& p, std::size_t) {
                                                  p.t_index_list = {5, 15, 25, 35};
                                                })),
                                  in_transition("late step", stepping(800)),
                                  in_transition("generate", generating())});
}

TEST_F(FailureTest, OfAStepLeavesTheFramesInFlight) {
  Scenario filtered{.name = "step with a filter", .call = stepping(50), .before = stepping(0, 5)};
  filtered.parameters.similarity_filter = {.enabled = true, .threshold = 0.1F};
  Scenario across{.name = "first step across frames", .call = stepping(50)};
  across.parameters.cross_frame_attention = true;
  expect_failures_change_nothing({filtered,
                                  across,
                                  {.name = "first step", .call = stepping(50)},
                                  {.name = "step", .call = stepping(50), .before = stepping(0, 5)},
                                  {.name = "first step after others",
                                   .call = stepping(50),
                                   .before = in_order({stepping(0, 3), draining()})},
                                  {.name = "step, two at a time",
                                   .call = stepping(50),
                                   .before = stepping(0, 5),
                                   .options = make_options(2)},
                                  {.name = "step, sequential",
                                   .call = stepping(50),
                                   .before = stepping(0, 2),
                                   .options = make_options(1, false)},
                                  {.name = "step after text to image",
                                   .call = stepping(50),
                                   .before = in_order({generating(), generating()})}});
}

TEST_F(FailureTest, OfDrainingLeavesTheFramesInFlight) {
  expect_failures_change_nothing({{.name = "drain", .call = draining(), .before = stepping(0, 3)}});
}

TEST_F(FailureTest, OfAnImageLeavesTheFramesInFlightAndTheNoise) {
  const Call image = [](Stream& stream, std::size_t) { return std::vector{generate_image(stream)}; };
  const Call image_of_frame = [](Stream& stream, std::size_t) {
    return std::vector{generate_image(stream, make_frame(3))};
  };
  const Call images = [](Stream& stream, std::size_t) {
    std::vector<Frame> out;
    generate_images(stream, std::vector<std::uint32_t>{0, 5}, out);
    return out;
  };
  expect_failures_change_nothing(
      {{.name = "first generate", .call = generating()},
       {.name = "generate", .call = generating(), .before = in_order({generating(), generating()})},
       {.name = "generate after frames", .call = generating(), .before = stepping(0, 4)},
       {.name = "image", .call = image, .before = stepping(0, 4)},
       {.name = "image of a frame", .call = image_of_frame, .before = stepping(0, 4)},
       {.name = "images", .call = images, .before = in_order({stepping(0, 4), image})}});
}

TEST_F(FailureTest, OfAStepOfStreamsLeavesAllStreams) {
  // The second stream of each step. The fixture compares only the first one.
  std::map<const Stream*, std::unique_ptr<Stream>> others;
  const Call together = [&](Stream& stream, std::size_t) {
    Stream& other = *others.at(&stream);
    const std::vector<Frame> in = frames_from(stream, 50);
    std::vector<Frame> both(2);
    std::vector<OutputFrame> out;
    for (Frame& frame : both) {
      frame.resize(tests::kSize, tests::kSize);
      out.emplace_back(frame.view());
    }
    const std::vector<InputFrame> inputs(in.begin(), in.end());
    std::vector<StreamStep> steps = {{.stream = &stream, .in = inputs, .out = std::span(out).first(1)},
                                     {.stream = &other, .in = inputs, .out = std::span(out).last(1)}};
    step_streams(steps);
    for (std::size_t i = 0; i < both.size(); ++i) {
      both[i].number = out[i].number;
      both[i].time = out[i].time;
    }
    return both;
  };
  const Call begin = [&](Stream& stream, std::size_t) {
    auto other = std::make_unique<Stream>(model_of(stream), make_options(), make_parameters({20, 40}));
    stepping(20, 3)(*other, 0);
    others[&stream] = std::move(other);
    return stepping(0, 4)(stream, 0);
  };
  expect_failures_change_nothing({{.name = "together", .call = together, .before = begin}});
}

}  // namespace
}  // namespace streamdiffusion
