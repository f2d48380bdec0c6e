// Checks that a stream times its stages by the device's timestamps and waits for none of them in between.

#include "stream/stage_timer.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "device/counting_device.h"
#include "device/failing_device.h"
#include "model/model_impl.h"
#include "stream/stream_impl.h"
#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;

/// Says that every stage takes a second.
class SecondsTimestamp final : public Timestamp {
 public:
  explicit SecondsTimestamp(int& records) : records_(records) {}
  void record() override { ++records_; }
  [[nodiscard]] double seconds_since(const Timestamp& /*earlier*/) const override { return 1; }

 private:
  int& records_;
};

/// Counts what a stream asks for besides operations.
class TimedDevice : public tests::FailingDevice {
 public:
  using FailingDevice::FailingDevice;

  void synchronize() override { ++waits; }
  std::unique_ptr<Timestamp> make_timestamp() override { return std::make_unique<SecondsTimestamp>(records); }

  int records = 0;
  int waits = 0;
};

class StageTimes : public testing::Test {
 protected:
  StageTimes() { ModelAccess::impl(*model_).device = &device_; }
  ~StageTimes() override {
    ModelAccess::impl(*model_).device = ModelAccess::impl(*model_).chosen.device.get();
  }

  std::shared_ptr<Model> model_ = load_tiny_model();
  TimedDevice device_{*ModelAccess::impl(*model_).device};
};

TEST_F(StageTimes, AreTheDevicesWithoutWaiting) {
  Stream stream(model_, make_options(), make_parameters({22, 32}));
  std::vector<Frame> out;
  step(stream, {make_frame(0)}, out);
  EXPECT_EQ(stream.statistics().encode_seconds, 1);
  EXPECT_EQ(stream.statistics().unet_seconds, 1);
  EXPECT_EQ(stream.statistics().decode_seconds, 0) << "the first frame is still in flight";
  step(stream, {make_frame(1)}, out);
  EXPECT_EQ(stream.statistics().encode_seconds, 2);
  EXPECT_EQ(stream.statistics().unet_seconds, 2);
  EXPECT_EQ(stream.statistics().decode_seconds, 1);
  EXPECT_EQ(device_.records, 2 * (3 + 2));
  EXPECT_EQ(device_.waits, 0);
}

TEST_F(StageTimes, OfImagesAreCounted) {
  Stream stream(model_, make_options(), make_parameters({22, 32}));
  generate_image(stream, make_frame(0));
  EXPECT_EQ(stream.statistics().encode_seconds, 1);
  EXPECT_EQ(stream.statistics().unet_seconds, 1);
  EXPECT_EQ(stream.statistics().decode_seconds, 1);
}

TEST_F(StageTimes, OfASharedCallAreDivided) {
  Stream first(model_, make_options(), make_parameters({22}));
  Stream second(model_, make_options(), make_parameters({32}));
  const std::vector<Frame> in = {make_frame(0)};
  std::vector<std::vector<Frame>> out;
  step_together({&first, &second}, {in, in}, out);
  EXPECT_EQ(first.statistics().unet_seconds, 0.5);
  EXPECT_EQ(second.statistics().unet_seconds, 0.5);
}

TEST(StageTimer, IsTakenOnce) {
  CountingDevice counting;
  TimedDevice device(counting);
  StageTimer timer(device);
  EXPECT_EQ(timer.take(), 0);
  timer.start();
  EXPECT_EQ(timer.take(), 0) << "the stage did not end";
  timer.stop();
  EXPECT_EQ(timer.take(), 1);
  EXPECT_EQ(timer.take(), 0);
}

}  // namespace
}  // namespace streamdiffusion
