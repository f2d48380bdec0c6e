#include "server/engine.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <map>

#include "device/failing_device.h"
#include "image_fixture.h"
#include "manual_clock.h"
#include "model/model_impl.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion::server {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr int kSize = 32;
constexpr const char* kLost = "the GPU has stopped working";

/// Keeps the messages and answers of a session.
class Inbox : public SessionOutput {
 public:
  void send(std::string message) override {
    const std::lock_guard lock(mutex_);
    Json json = Json::parse(message);
    (json["type"] == "statistics" ? statistics_ : messages_).push_back(std::move(json));
    arrived_.notify_all();
  }
  void send(FrameAnswer answer) override {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(answer));
    arrived_.notify_all();
  }

  /// Waits for `count` answers and returns all.
  std::vector<FrameAnswer> answers(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(arrived_.wait_for(lock, kTestPatience, [&] { return answers_.size() >= count; }))
        << answers_.size();
    return answers_;
  }
  Json message(std::size_t index) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(arrived_.wait_for(lock, kTestPatience, [&] { return messages_.size() > index; }));
    return messages_.size() > index ? messages_[index] : Json();
  }
  /// The `statistics` messages so far.
  std::vector<Json> statistics() {
    const std::lock_guard lock(mutex_);
    return statistics_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Json> messages_;
  std::vector<Json> statistics_;
  std::vector<FrameAnswer> answers_;
};

std::vector<std::uint8_t> png(int shade, int width = kSize, int height = kSize) {
  Frame frame;
  frame.resize(width, height);
  std::ranges::fill(frame.pixels, static_cast<std::uint8_t>(shade));
  return encode_image(frame, "png");
}

class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    const auto folder = std::filesystem::path(PROJECT_FOLDER) / "tests/conformance/cases/models/tiny-sd15";
    ModelOptions model;
    model.path = folder;
    model.threads = 1;
    model.device = "cpu";
    model.on_warning = [](const std::string&) {
      throw DeviceLost(kLost);
    };  // A prompt that is too long causes this warning.
    ModelOptions broken;
    broken.path = "/nonexistent";
    const ModelOptions second = model;
    LoraOptions lora;
    lora.file = folder / "lora-kohya.safetensors";
    lora.scale = 0;
    lora.name = "style";
    model.loras = {lora};
    models_ = std::make_unique<ModelStore>(
        std::vector<ModelOffer>{{"tiny", model}, {"second", second}, {"broken", broken}}, 2);
    start();
  }

  void start(MonotonicClock& clock = MonotonicClock::real()) {
    Settings defaults;
    defaults.parameters.prompt = "a red boat";
    StreamSettings stream;
    stream.width = stream.height = kSize;
    stream.format = "png";
    EngineLimits limits;
    limits.largest_side = 64;
    limits.weight_sets = 2;
    engine_ = std::make_unique<Engine>(*models_, defaults, stream, limits, metrics_, clock);
  }

  std::shared_ptr<Session> open() { return engine_->open("name", engine_->default_stream(), inbox_); }
  void ask(const std::shared_ptr<Session>& session, const Json& message) {
    EXPECT_TRUE(engine_->queue_request(session, parse_message(message.dump())));
  }

  Metrics metrics_;
  std::unique_ptr<ModelStore> models_;
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
};

TEST_F(EngineTest, AnswersALoneFrameOfABatchWithoutFurtherOnes) {
  const auto session = open();
  ask(session, {{"type", "settings"}, {"settings", {{"steps", 3}}}});
  engine_->queue_frame(session, {.variation = 0, .number = 5, .time = 2.5}, png(90));
  const std::vector<FrameAnswer> answers = inbox_->answers(1);
  EXPECT_EQ(answers[0].state, FrameState::image);
  EXPECT_EQ(answers[0].tag.number, 5U);
  EXPECT_EQ(answers[0].tag.time, 2.5);
  EXPECT_EQ(decode_image(answers[0].image, 1 << 20).width, kSize);
}

TEST_F(EngineTest, KeepsTheImageWhereItsMaskIsOpaque) {
  const auto session = open();
  ask(session, {{"type", "stream"}, {"id", 1}, {"stream", {{"width", 48}, {"height", 32}}}});
  EXPECT_EQ(inbox_->message(0)["id"], 1);
  engine_->queue_frame(session, {}, png(90, 48, 32), read_image_fixture("alpha.png"));
  ASSERT_EQ(inbox_->answers(1)[0].state, FrameState::image) << inbox_->message(1);
  const Frame kept = decode_image(inbox_->answers(1)[0].image, 1 << 20);
  engine_->queue_frame(session, {}, png(90, 48, 32));
  const Frame redrawn = decode_image(inbox_->answers(2)[1].image, 1 << 20);
  EXPECT_EQ(kept.pixels.front(), 90);
  EXPECT_NE(redrawn.pixels.front(), 90);
  EXPECT_NEAR(kept.pixels.back(), (90 + redrawn.pixels.back()) / 2.0, 1);
}

TEST_F(EngineTest, NamesTheMaskThatDoesNotSuitItsImage) {
  engine_->queue_frame(open(), {}, png(90), png(90));
  EXPECT_EQ(inbox_->answers(1)[0].state, FrameState::unreadable);
  const Json error = inbox_->message(0);
  EXPECT_EQ(error["code"], "image");
  EXPECT_EQ(error["field"], "mask");
}

TEST_F(EngineTest, NamesTheFieldOfAPromptThatTheModelCannotUse) {
  const auto session = open();
  const Json tagged = {{"text", "a boat <lora:style:1>"}};
  ask(session, {{"type", "settings"}, {"settings", {{"prompt", tagged["text"]}, {"steps", 3}}}});
  ask(session, {{"type", "settings"}, {"settings", {{"prompts", Json::array({tagged})}}}});
  ask(session, {{"type", "settings"}, {"settings", {{"negative_prompt", tagged["text"]}}}});
  ask(session, {{"type", "settings"}, {"settings", Json::object()}});
  const std::vector<std::string> fields = {"prompt", "prompts", "negative_prompt"};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    EXPECT_EQ(inbox_->message(i)["code"], "invalid");
    EXPECT_EQ(inbox_->message(i)["field"], fields[i]);
  }
  const Json unchanged = inbox_->message(fields.size())["settings"];
  EXPECT_EQ(unchanged["prompt"], "a red boat");
  EXPECT_EQ(unchanged["steps"], 2);
}

TEST_F(EngineTest, WarnsOfFieldsWithoutEffect) {
  const auto session = open();
  for (const char* const type : {"self", "full"}) {
    ask(session, {{"type", "settings"},
                  {"settings", {{"negative_prompt", "fog"}, {"cfg_type", type}, {"guidance_scale", 2}}}});
  }
  ask(session, {{"type", "settings"}, {"settings", {{"delta", 2}}}});
  ask(session, {{"type", "settings"}, {"settings", {{"steps", 1}}}});
  EXPECT_NE(inbox_->message(0)["warnings"].dump().find("negative_prompt"), std::string::npos);
  EXPECT_FALSE(inbox_->message(1).contains("warnings"));
  EXPECT_NE(inbox_->message(2)["warnings"].dump().find("delta"), std::string::npos);
  EXPECT_FALSE(inbox_->message(3).contains("warnings"));
}

TEST_F(EngineTest, AnswersEveryFrameOnce) {
  const auto session = open();
  constexpr std::uint32_t kFrames = 60;
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    const std::size_t before = inbox_->answers(0).size();
    engine_->queue_frame(session, {.variation = 0, .number = i, .time = 0},
                         i % 10 == 7 ? std::vector<std::uint8_t>{1, 2} : png(40));
    if (i % 8 == 3) {
      inbox_->answers(before + 1);  // Gives the engine time to compute.
    }
    if (i == 20) {
      ask(session, {{"type", "settings"}, {"settings", {{"steps", 1}}}});
    }
    if (i == 40) {
      ask(session, {{"type", "stream"}, {"stream", {{"width", 64}}}});
    }
  }
  std::map<std::uint32_t, int> times;
  std::int64_t last_image = -1;
  for (const FrameAnswer& answer : inbox_->answers(kFrames)) {
    ++times[answer.tag.number];
    if (answer.state == FrameState::image) {
      EXPECT_GT(static_cast<std::int64_t>(answer.tag.number), last_image) << "images keep their order";
      last_image = answer.tag.number;
    }
  }
  EXPECT_EQ(times.size(), kFrames);
  EXPECT_EQ(last_image, kFrames - 1) << "the newest frame wins";
  engine_->queue_frame(session, {.variation = 0, .number = kFrames, .time = 0}, png(40));
  EXPECT_EQ(inbox_->answers(kFrames + 1).size(), kFrames + 1);
}

TEST_F(EngineTest, TellsEverybodyOnceThatTheDeviceIsLost) {
  std::promise<std::string> told;
  engine_->when_device_is_lost([&](const std::string& problem) { told.set_value(problem); });
  const auto session = open();
  const auto other_inbox = std::make_shared<Inbox>();
  const auto other = engine_->open("other", engine_->default_stream(), other_inbox);
  std::string prompt = "boat";
  for (int i = 0; i < 100; ++i) {
    prompt += " boat";
  }
  for (int i = 0; i < 2; ++i) {  // A second report would throw, because the promise is already satisfied.
    ask(session, {{"type", "settings"}, {"settings", {{"prompt", prompt + std::to_string(i)}}}});
  }
  EXPECT_EQ(told.get_future().get(), kLost);
  for (const auto& inbox : {inbox_, other_inbox}) {
    EXPECT_EQ(inbox->message(0)["code"], "internal");
    EXPECT_EQ(inbox->message(0)["message"], kLost);
  }
}

TEST_F(EngineTest, GivesTheSameVariationTheSameImage) {
  const auto session = open();
  for (const std::uint16_t variation : std::vector<std::uint16_t>{0, 1, 2, 3, 4, 0}) {
    engine_->queue_frame(session, {.variation = variation, .number = variation, .time = 0}, {});
  }
  const std::vector<FrameAnswer> answers = inbox_->answers(6);
  EXPECT_EQ(answers[0].image, answers[5].image);
  EXPECT_NE(answers[0].image, answers[1].image);
}

TEST_F(EngineTest, DropsTheOldestOfTooManyTextToImageFrames) {
  const auto session = open();
  ask(session, {{"type", "stream"},
                {"stream", {{"model", "second"}}}});  // Keeps the engine busy, so that frames wait.
  for (std::uint16_t i = 0; i < 60; ++i) {
    engine_->queue_frame(session, {.variation = i, .number = i, .time = 0}, {});
  }
  std::map<FrameState, int> states;
  for (const FrameAnswer& answer : inbox_->answers(60)) {
    ++states[answer.state];
  }
  EXPECT_GE(states[FrameState::image], 16);
  EXPECT_EQ(states[FrameState::image] + states[FrameState::dropped], 60);
}

TEST_F(EngineTest, AnswersChangesInOrderWithWhatIsInEffect) {
  const auto session = open();
  ask(session, {{"type", "settings"}, {"id", 1}, {"settings", {{"prompt", "a"}, {"steps", 4}}}});
  ask(session, {{"type", "settings"}, {"id", 2}, {"settings", {{"prompt", "b"}, {"steps", 0}}}});
  ask(session, {{"type", "settings"}, {"id", 3}, {"settings", {{"loras", {{"style", 0.5}}}}}});
  EXPECT_EQ(inbox_->message(0)["settings"]["prompt"], "a");
  EXPECT_EQ(inbox_->message(1)["field"], "steps");
  EXPECT_EQ(inbox_->message(1)["id"], 2);
  EXPECT_EQ(inbox_->message(2)["settings"]["prompt"], "a");
  EXPECT_EQ(inbox_->message(2)["settings"]["loras"]["style"], 0.5);
}

TEST_F(EngineTest, TellsWhatDoesNotSuitTheModel) {
  const auto session = open();
  ask(session, {{"type", "settings"}, {"id", 1}, {"settings", {{"guidance_embedding", 3}}}});
  ask(session, {{"type", "stream"}, {"id", 2}, {"stream", {{"width", 36}}}});
  ask(session, {{"type", "stream"}, {"id", 3}, {"stream", {{"width", 128}}}});
  ask(session, {{"type", "stream"}, {"id", 4}, {"stream", {{"model", "none"}}}});
  EXPECT_EQ(inbox_->message(0)["code"], "invalid");
  EXPECT_EQ(inbox_->message(1)["field"], "width");
  EXPECT_EQ(inbox_->message(2)["field"], "width");
  EXPECT_EQ(inbox_->message(3)["field"], "model");
}

/// Compares a session's frames with its first ones while device allocations fail.
class EngineMemoryTest : public EngineTest {
 protected:
  EngineMemoryTest() {
    ModelAccess::impl(*model_).device = &device_;
    change({{"type", "settings"}, {"settings", {{"steps", 1}}}});
    image_ = image(png(90));
    text_ = image({});
  }
  ~EngineMemoryTest() override { engine_->stop(); }

  Json change(const Json& message) {
    ask(session_, message);
    return inbox_->message(messages_++);
  }
  std::vector<std::uint8_t> image(std::vector<std::uint8_t> from) {
    engine_->queue_frame(session_, {.variation = 0, .number = images_, .time = 0}, std::move(from));
    return inbox_->answers(++images_).back().image;
  }

  /// Makes each device allocation of a change fail in turn and checks that the session continues unchanged.
  void expect_session_goes_on(const Json& wanted, const Json& back) {
    std::size_t failures = 0;
    for (std::size_t count = 1;; ++count) {
      device_.fail_at(count);
      const Json answer = change(wanted);
      const bool has_failed = device_.has_failed();
      device_.fail_at(0);
      if (answer["type"] == "error") {
        EXPECT_TRUE(has_failed);
        EXPECT_NE(std::string(answer["message"]).find("out of memory"), std::string::npos) << answer;
        ++failures;
      } else {
        EXPECT_EQ(answer["type"], wanted["type"]) << answer;
        EXPECT_EQ(change(back)["type"], back["type"]);
      }
      EXPECT_EQ(image(png(90)), image_) << wanted << ", allocation " << count;
      EXPECT_EQ(image({}), text_) << wanted << ", allocation " << count;
      if (!has_failed || HasFailure()) {
        break;
      }
    }
    EXPECT_GT(failures, 0U);
  }

 private:
  std::shared_ptr<Model> model_ = models_->loaded("tiny");
  tests::FailingDevice device_{*ModelAccess::impl(*model_).device};
  std::shared_ptr<Session> session_ = open();
  std::size_t messages_ = 0;
  std::uint32_t images_ = 0;
  std::vector<std::uint8_t> image_;
  std::vector<std::uint8_t> text_;
};

TEST_F(EngineMemoryTest, GoesOnWithTheOldSettingsWhereAChangeFails) {
  expect_session_goes_on(
      {{"type", "settings"}, {"settings", {{"steps", 4}, {"seed", 7}, {"prompt", "snow"}}}},
      {{"type", "settings"}, {"settings", {{"steps", 1}, {"seed", 2}, {"prompt", "a red boat"}}}});
}

TEST_F(EngineMemoryTest, GoesOnWithTheOldStreamWhereAChangeFails) {
  expect_session_goes_on({{"type", "stream"}, {"stream", {{"width", 64}, {"frame_buffer", 2}}}},
                         {{"type", "stream"}, {"stream", {{"width", kSize}, {"frame_buffer", 1}}}});
}

TEST_F(EngineTest, LoadsAModelWhenItIsAskedForAndGoesOnWithIt) {
  const auto session = open();
  ask(session,
      {{"type", "stream"}, {"id", 1}, {"stream", {{"model", "second"}, {"width", 40}, {"height", 48}}}});
  EXPECT_EQ(inbox_->message(0), Json({{"type", "loading"}, {"model", "second"}}));
  const Json changed = inbox_->message(1);
  EXPECT_EQ(changed["stream"]["model"], "second");
  EXPECT_EQ(changed["settings"]["loras"], Json::object());
  engine_->queue_frame(session, {}, png(90));
  const FrameAnswer answer = inbox_->answers(1)[0];
  EXPECT_EQ(decode_image(answer.image, 1 << 20).height, 48);
}

TEST_F(EngineTest, KeepsTheStreamWhereAModelCannotBeLoaded) {
  const auto session = open();
  ask(session, {{"type", "stream"}, {"id", 1}, {"stream", {{"model", "broken"}}}});
  EXPECT_EQ(inbox_->message(1)["code"], "model");
  EXPECT_EQ(inbox_->message(1)["id"], 1);
  engine_->queue_frame(session, {}, png(90));
  EXPECT_EQ(inbox_->answers(1)[0].state, FrameState::image);
}

TEST_F(EngineTest, KeepsAsManyModelsAsItMayInMemory) {
  const auto session = open();
  const auto inbox = std::make_shared<Inbox>();
  const auto other = engine_->open("other", engine_->default_stream(), inbox);
  ask(session, {{"type", "stream"}, {"stream", {{"model", "second"}}}});
  EXPECT_EQ(inbox_->message(1)["type"], "stream");
  ask(other, {{"type", "stream"}, {"stream", {{"model", "broken"}}}});
  EXPECT_NE(std::string(inbox->message(1)["message"]).find("no room"), std::string::npos);
}

TEST_F(EngineTest, BoundsTheCombinationsOfLoraScales) {
  const auto inbox = std::make_shared<Inbox>();
  const auto a = open();
  const auto b = engine_->open("b", engine_->default_stream(), inbox);
  const auto c = engine_->open("c", engine_->default_stream(), inbox);
  ask(a, {{"type", "settings"}, {"settings", {{"loras", {{"style", 0.5}}}}}});
  EXPECT_EQ(inbox_->message(0)["type"], "settings");
  ask(b, {{"type", "settings"}, {"settings", {{"loras", {{"style", 0.7}}}}}});
  EXPECT_EQ(inbox->message(0)["field"], "loras");
  ask(b, {{"type", "settings"}, {"settings", {{"loras", {{"style", 0.5}}}}}});
  EXPECT_EQ(inbox->message(1)["type"], "settings");
}

TEST_F(EngineTest, GivesManySessionsTheirImages) {
  std::vector<std::shared_ptr<Inbox>> inboxes;
  std::vector<std::shared_ptr<Session>> sessions;
  for (int i = 0; i < 6; ++i) {
    inboxes.push_back(std::make_shared<Inbox>());
    sessions.push_back(engine_->open(std::to_string(i), engine_->default_stream(), inboxes.back()));
    engine_->queue_frame(sessions.back(),
                         {.variation = 0, .number = static_cast<std::uint32_t>(i), .time = 0}, png(90));
  }
  std::vector<std::uint8_t> first;
  for (std::size_t i = 0; i < inboxes.size(); ++i) {
    const FrameAnswer answer = inboxes[i]->answers(1)[0];
    EXPECT_EQ(answer.state, FrameState::image);
    EXPECT_EQ(answer.tag.number, i);
  }
}

TEST_F(EngineTest, SendsNothingToAClosedSession) {
  const auto session = open();
  for (std::uint32_t i = 0; i < 20; ++i) {
    engine_->queue_frame(session, {.variation = 0, .number = i, .time = 0}, png(40));
  }
  engine_->close(session);
  const std::size_t before = inbox_->answers(0).size();
  const auto later = std::make_shared<Inbox>();
  engine_->queue_frame(engine_->open("later", engine_->default_stream(), later), {}, png(40));
  later->answers(1);
  EXPECT_EQ(inbox_->answers(0).size(), before);
}

TEST_F(EngineTest, SendsStatisticsAtMostOnceASecond) {
  ManualClock clock;
  start(clock);
  const auto session = open();
  for (std::uint16_t i = 0; i < 8; ++i) {
    engine_->queue_frame(session, {.variation = i, .number = i, .time = 0}, {});
    inbox_->answers(i + 1U);
    ask(session, {{"type", "settings"}, {"settings", Json::object()}});
    inbox_->message(i);  // Waits for the end of the turn that made the image.
    clock.move(400ms);
  }
  engine_->stop();
  const std::vector<Json> statistics = inbox_->statistics();
  ASSERT_EQ(statistics.size(), 2U) << "1.2 s and 2.4 s after the first image";
  EXPECT_NEAR(statistics[1]["fps"], 3 / 1.2, 1 / 1.2) << "the last image may count for the next second";
}

TEST_F(EngineTest, StopsWhileSessionsAreBusy) {
  const auto session = open();
  for (std::uint16_t i = 0; i < 16; ++i) {
    engine_->queue_frame(session, {.variation = i, .number = i, .time = 0}, {});
  }
  ask(session, {{"type", "stream"}, {"stream", {{"model", "second"}}}});
  inbox_->answers(1);
  const std::weak_ptr<SessionOutput> inbox = std::exchange(inbox_, nullptr);
  engine_->stop();
  EXPECT_TRUE(inbox.expired());
}

}  // namespace
}  // namespace streamdiffusion::server
