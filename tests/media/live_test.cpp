// Tests devices and addresses. FFmpeg's lavfi replaces a camera, UDP on the loopback interface the network.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>

#include "manual_clock.h"
#include "media/live_input.h"
#include "media/medium.h"
#include "support.h"

namespace streamdiffusion::tests {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// An address with a port that is free at this moment.
std::string free_udp_address() {
  const int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(descriptor, reinterpret_cast<const sockaddr*>(&address), size), 0);
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  close(descriptor);
  return "udp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

SourceOptions camera(const std::string& description = "testsrc=size=64x48:rate=50") {
  SourceOptions options;
  options.input = description;
  options.format = "lavfi";
  return options;
}

TEST(Medium, IsKnownByTheName) {
  EXPECT_EQ(input_medium("in.mp4", ""), Medium::file);
  EXPECT_EQ(input_medium("file://in.mp4", ""), Medium::file);
  EXPECT_EQ(input_medium("-", "rawvideo"), Medium::pipe);
  EXPECT_EQ(input_medium("/dev/video0", ""), Medium::device);
  EXPECT_EQ(input_medium("screen", ""), Medium::device);
  EXPECT_EQ(input_medium("screen:1x1", ""), Medium::device);
  EXPECT_EQ(input_medium(":0.0", ""), Medium::device);
  EXPECT_EQ(input_medium("./screen", ""), Medium::file);
  EXPECT_EQ(input_medium("screens/", ""), Medium::file);
  EXPECT_EQ(input_medium("testsrc", "lavfi"), Medium::device);
  EXPECT_EQ(input_medium("rtsp://host/path", ""), Medium::address);
  EXPECT_EQ(input_medium("srt://host:1", "mpegts"), Medium::address);
  EXPECT_EQ(output_medium("window", ""), Medium::window);
  EXPECT_EQ(output_medium("/dev/video10", ""), Medium::device);
  EXPECT_EQ(output_medium("rtmp://host/app/key", ""), Medium::address);
  EXPECT_EQ(output_medium("-", ""), Medium::pipe);
  EXPECT_EQ(output_medium("screen.mp4", ""), Medium::file);
}

TEST(Screen, APartHasASizeAndAPlace) {
  const ScreenPart part = parse_screen("screen:640x480+100+50");
  EXPECT_EQ(part.width, 640);
  EXPECT_EQ(part.height, 480);
  EXPECT_EQ(part.x, 100);
  EXPECT_EQ(part.y, 50);
  EXPECT_EQ(parse_screen("screen:640x480").x, 0);
  EXPECT_EQ(parse_screen("screen").width, 0);
  for (const char* wrong :
       {"screen:", "screen:640", "screen:0x9", "screen:640x480+1", "screen:-1x2", "screen:1x2+3+4+5"}) {
    EXPECT_NE(error_of([&] { parse_screen(wrong); }).find("screen:640x480"), std::string::npos) << wrong;
  }
}

TEST(LiveSource, GivesFramesAtTheTimeAtWhichTheyCome) {
  EXPECT_TRUE(is_live(camera()));
  const auto source = open_source(camera());
  EXPECT_EQ(source->info().width, 64);
  EXPECT_EQ(source->info().height, 48);
  EXPECT_DOUBLE_EQ(source->info().frame_rate, 50);
  const Clock::time_point begin = Clock::now();
  Frame frame;
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(10ms);
    ASSERT_TRUE(source->read(frame));
    EXPECT_EQ(frame.number, i);
    EXPECT_LE(frame.time, Clock::now() - begin);
    EXPECT_GE(frame.time, i * 10ms);
  }
  EXPECT_EQ(frame.pixels.size(), 64U * 48U * 3U);
}

TEST(LiveSource, ConvertsColours) {
  const auto source = open_source(camera("color=red:size=64x48"));
  Frame frame;
  ASSERT_TRUE(source->read(frame));
  EXPECT_TRUE(near(pixel(frame, 32, 24), kRed, 5));
}

TEST(LiveSource, IsOpenedAgainWhenItEnds) {
  SourceOptions options = camera("testsrc=size=64x48:rate=50:duration=0.06");
  std::vector<std::string> said;
  options.on_warning = [&](const std::string& text) { said.push_back(text); };
  const auto source = open_source(options);
  Frame frame;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(source->read(frame));
    EXPECT_EQ(frame.number, i);
  }
  EXPECT_GT(frame.time, 450ms) << "the wait counts";
  ASSERT_EQ(said.size(), 2U);
  EXPECT_NE(said[0].find("has ended"), std::string::npos) << said[0];
  EXPECT_NE(said[1].find("is back"), std::string::npos) << said[1];
}

TEST(LiveSource, WhatCannotBeOpenedAtFirstIsAnError) {
  EXPECT_NE(error_of([] { open_source(camera("nosuchfilter")); }).find("nosuchfilter"), std::string::npos);
  EXPECT_NE(error_of([] { read_all("/dev/video-none"); }).find("/dev/video-none"), std::string::npos);
  EXPECT_NE(error_of([] { read_all("rtmp://127.0.0.1:9/app/key"); }).find("Connection refused"),
            std::string::npos);
  EXPECT_NE(error_of([] { read_all("nosuch://host"); }).find("nosuch://host"), std::string::npos);
  SourceOptions options = camera();
  options.ffmpeg_options = {{"nosuchoption", "1"}};
  EXPECT_NE(error_of([&] { open_source(options); }).find("nosuchoption"), std::string::npos);
}

TEST(LiveSource, AScreenNeedsADisplay) {
  const char* display = std::getenv("DISPLAY");
  const std::string before = display != nullptr ? display : "";
  unsetenv("DISPLAY");
  EXPECT_NE(error_of([] { read_all("screen"); }).find("DISPLAY"), std::string::npos);
  if (display != nullptr) setenv("DISPLAY", before.c_str(), 1);
}

/// Sends frames of one colour until it is destroyed.
class Sender {
 public:
  Sender(const std::string& address, Colour colour) {
    SinkOptions options = sink_options(address, 64, 64);
    options.frame_rate = 50;
    thread_ = std::jthread([options, colour](const std::stop_token& stop) {
      const auto sink = open_sink(options);
      Frame frame = plain_frame(64, 64, colour);
      while (!stop.stop_requested()) {
        sink->write(frame);
        frame.time += 20ms;
        std::this_thread::sleep_for(20ms);
      }
      sink->finish();
    });
  }

 private:
  std::jthread thread_;
};

TEST(Address, WhatIsSentIsReceivedAlsoAfterAPause) {
  const std::string address = free_udp_address();
  SourceOptions options;
  options.input = address;
  options.patience = 300ms;
  std::vector<std::string> said;
  options.on_warning = [&](const std::string& text) { said.push_back(text); };
  auto sender = std::make_unique<Sender>(address, kRed);
  const auto source = open_source(options);
  Frame frame;
  ASSERT_TRUE(source->read(frame));
  EXPECT_TRUE(near(pixel(frame, 32, 32), kRed, 10));
  sender.reset();
  sender = std::make_unique<Sender>(address, kBlue);
  const Clock::time_point patience = Clock::now() + kTestPatience;
  while (!near(pixel(frame, 32, 32), kBlue, 10) && Clock::now() < patience) {
    ASSERT_TRUE(source->read(frame));
  }
  EXPECT_TRUE(near(pixel(frame, 32, 32), kBlue, 10));
}

TEST(Address, AWaitForImagesCanBeStopped) {
  const std::string address = free_udp_address();
  std::atomic<bool> stop{false};
  SourceOptions options;
  options.input = address;
  options.stop = &stop;
  options.patience = 1h;  // Only the stop can end the wait.
  auto sender = std::make_unique<Sender>(address, kRed);
  const auto source = open_source(options);
  sender.reset();
  std::jthread later([&] {
    std::this_thread::sleep_for(100ms);  // Gives the reader time to wait.
    stop = true;
  });
  Frame frame;
  while (source->read(frame)) {
  }
  EXPECT_TRUE(stop);
}

TEST(Address, ASinkSaysWhereItCannotSend) {
  EXPECT_NE(
      error_of([] { open_sink(sink_options("rtmp://127.0.0.1:9/app/key")); }).find("Connection refused"),
      std::string::npos);
  EXPECT_NE(error_of([] { open_sink(sink_options("/dev/video-none")); }).find("/dev/video-none"),
            std::string::npos);
  SinkOptions options = sink_options(free_udp_address());
  options.ffmpeg_options = {{"preset", "ultrafast"}, {"nosuchoption", "1"}};
  EXPECT_NE(error_of([&] { open_sink(options); }).find("nosuchoption"), std::string::npos);
  options.ffmpeg_options = {{"preset", "ultrafast"}, {"ttl", "3"}, {"mpegts_service_id", "7"}};
  const auto sink = open_sink(options);
  EXPECT_NE(error_of([&] { sink->write(plain_frame(8, 8, kRed)); }).find("another size"), std::string::npos);
}

SourceOptions raw_pipe(const std::string& name, const std::atomic<bool>* stop) {
  SourceOptions options;
  options.input = name;
  options.format = "rawvideo";
  options.width = options.height = 16;
  options.frame_rate = 1000;
  options.stop = stop;
  options.live = true;
  return options;
}

TEST(NamedPipe, IsReadAsItIsWrittenAndEndsWithItsWriter) {
  const ScratchFolder folder;
  const std::string name = folder / "pipe";
  ASSERT_EQ(mkfifo(name.c_str(), 0600), 0);
  constexpr std::chrono::milliseconds kLate = 30ms;
  std::promise<void> read;
  std::jthread writer([&] {
    std::ofstream pipe(name, std::ios::binary);
    const auto write = [&](char shade) { pipe << std::string(16 * 16 * 3, shade) << std::flush; };
    write(0);
    write(1);
    read.get_future().wait();
    std::this_thread::sleep_for(kLate);
    write(2);
  });
  const auto source = open_source(raw_pipe(name, nullptr));
  std::vector<Frame> frames(4);
  EXPECT_TRUE(source->read(frames[0]));
  EXPECT_TRUE(source->read(frames[1]));
  read.set_value();
  EXPECT_TRUE(source->read(frames[2]));
  EXPECT_FALSE(source->read(frames[3]));
  EXPECT_EQ(frames[2].pixels[0], 2);
  constexpr std::chrono::milliseconds kInterval = 1ms;  // An early frame gets its time from the frame rate.
  EXPECT_GE(frames[2].time - frames[1].time, kLate - kInterval)
      << "late frames have the time at which they came";
}

TEST(NamedPipe, AWaitForImagesCanBeStopped) {
  const ScratchFolder folder;
  const std::string name = folder / "pipe";
  ASSERT_EQ(mkfifo(name.c_str(), 0600), 0);
  std::atomic<bool> stop{false};
  std::promise<void> read;
  std::promise<void> over;
  std::jthread writer([&] {
    std::ofstream pipe(name, std::ios::binary);
    pipe << std::string(16 * 16 * 3 + 100, 'x') << std::flush;
    read.get_future().wait();
    std::this_thread::sleep_for(50ms);  // Gives the source time to wait.
    stop = true;
    over.get_future().wait();  // Keeps the pipe open.
  });
  const auto source = open_source(raw_pipe(name, &stop));
  Frame frame;
  EXPECT_TRUE(source->read(frame));
  read.set_value();
  EXPECT_FALSE(source->read(frame)) << "half a frame is none";
  over.set_value();
}

}  // namespace
}  // namespace streamdiffusion::tests
