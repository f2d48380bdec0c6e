#include "server/scheduler.h"

#include <gtest/gtest.h>

namespace streamdiffusion::server {
namespace {

using namespace std::chrono_literals;
using SessionPtr = std::shared_ptr<Session>;

class SchedulerTest : public testing::Test {
 protected:
  SessionPtr make(int size = 128) {
    auto session = std::make_shared<Session>("session", codecs_, nullptr);
    session->stream = std::make_unique<SessionStream>(nullptr, Settings{}, StreamSettings{}, nullptr);
    session->width = session->height = size;
    session->last_input = now_;
    sessions_.push_back(session);
    return session;
  }
  void add_frame(Session& session) const {
    session.decoded_frames.push_back({.frame = {}, .arrival = Arrival{.tag = {}, .time = now_}});
  }
  Turn choose() const { return choose_turn(sessions_, now_); }

  boost::asio::thread_pool codecs_{1};
  std::vector<SessionPtr> sessions_;
  Clock::time_point now_ = Clock::now();
};

TEST_F(SchedulerTest, HasNothingToDoWithoutFrames) {
  make();
  EXPECT_EQ(choose().work, Turn::Work::none);
  EXPECT_FALSE(choose().wake);
}

TEST_F(SchedulerTest, TakesTheSessionThatHadLeastTime) {
  const SessionPtr a = make(512);
  const SessionPtr b = make(512);
  a->virtual_time = 2;
  b->virtual_time = 1;
  add_frame(*a);
  add_frame(*b);
  EXPECT_EQ(choose().sessions, (std::vector{b}));
}

TEST_F(SchedulerTest, SharesTimeEvenlyBetweenCheapAndDearSessions) {
  const SessionPtr cheap = make(512);
  const SessionPtr dear = make(768);
  double had[2] = {0, 0};
  for (int turn = 0; turn < 1000; ++turn) {
    cheap->decoded_frames.clear();
    dear->decoded_frames.clear();
    add_frame(*cheap);
    add_frame(*dear);
    const Turn next = choose();
    const double seconds = next.sessions.front() == cheap ? 0.01 : 0.07;
    had[next.sessions.front() == cheap ? 0 : 1] += seconds;
    charge(next.sessions, seconds);
  }
  EXPECT_NEAR(had[0] / had[1], 1, 0.05);
}

TEST_F(SchedulerTest, LetsSmallFramesOfOneSizeShareAStep) {
  const SessionPtr a = make(128);
  const SessionPtr b = make(128);
  const SessionPtr other_size = make(64);
  const SessionPtr without_frame = make(128);
  add_frame(*a);
  add_frame(*b);
  add_frame(*other_size);
  other_size->virtual_time = 1;
  EXPECT_EQ(choose().sessions, (std::vector{a, b}));
}

TEST_F(SchedulerTest, LetsLargeFramesStepAlone) {
  const SessionPtr a = make(512);
  const SessionPtr b = make(512);
  add_frame(*a);
  add_frame(*b);
  EXPECT_EQ(choose().sessions.size(), 1U);
}

TEST_F(SchedulerTest, AnswersRequestsFirstUnlessTheyWaitForAModel) {
  const SessionPtr a = make();
  add_frame(*a);
  a->requests.emplace_back();
  EXPECT_EQ(choose().work, Turn::Work::requests);
  a->waits_for_model = true;
  EXPECT_EQ(choose().work, Turn::Work::step);
}

TEST_F(SchedulerTest, WaitsForAFullFrameBufferButNotForEver) {
  const SessionPtr a = make();
  a->frame_buffer = 2;
  a->input_interval = 0.1;
  add_frame(*a);
  EXPECT_EQ(choose().work, Turn::Work::none);
  EXPECT_EQ(choose().wake, now_ + 150ms);
  now_ += 151ms;
  EXPECT_EQ(choose().work, Turn::Work::step);
}

TEST_F(SchedulerTest, PushesFramesInFlightOutWhenNoFrameComes) {
  const SessionPtr a = make();
  a->in_flight = true;
  a->input_interval = 0.1;
  a->step_seconds = 0.2;  // Too long to end before the next frame.
  EXPECT_EQ(choose().work, Turn::Work::none);
  now_ += 151ms;
  EXPECT_EQ(choose().work, Turn::Work::drain);
}

TEST_F(SchedulerTest, PushesFramesOutEarlyWhereThereIsTimeForIt) {
  const SessionPtr a = make();
  a->in_flight = true;
  a->input_interval = 0.1;
  a->step_seconds = 0.01;
  EXPECT_EQ(choose().work, Turn::Work::drain);
  const SessionPtr busy = make();
  busy->virtual_time = 5;
  add_frame(*busy);
  EXPECT_EQ(choose().sessions, (std::vector{busy}));
}

TEST_F(SchedulerTest, PushesNothingOutWhileAFrameIsBeingDecoded) {
  const SessionPtr a = make();
  a->in_flight = true;
  a->decoding = true;
  now_ += 10s;
  EXPECT_EQ(choose().work, Turn::Work::none);
}

TEST_F(SchedulerTest, OwesAnIdleSessionNoMoreThanAMoment) {
  const SessionPtr busy = make();
  const SessionPtr idle = make();
  busy->virtual_time = 100;
  add_frame(*busy);
  catch_up(*idle, sessions_);
  EXPECT_GE(idle->virtual_time, 99.5);
  EXPECT_LE(idle->virtual_time, 100);
}

TEST_F(SchedulerTest, LeavesAQuickSessionWhatItIsOwedBetweenItsFrames) {
  const SessionPtr slow = make();
  const SessionPtr quick = make();
  slow->virtual_time = 100;
  quick->virtual_time = 99.95;
  add_frame(*slow);
  catch_up(*quick, sessions_);
  EXPECT_EQ(quick->virtual_time, 99.95);
}

}  // namespace
}  // namespace streamdiffusion::server
