#include "server/session_slots.h"

#include <gtest/gtest.h>

namespace streamdiffusion::server {
namespace {

using Ticket = std::unique_ptr<SessionSlots::Ticket>;

TEST(SessionSlots, AreTakenInOrder) {
  SessionSlots slots(1, 2, 10);
  int changes_b = 0;
  int changes_c = 0;
  Ticket a = slots.take_ticket("x", [] {});
  Ticket b = slots.take_ticket("x", [&] { ++changes_b; });
  Ticket c = slots.take_ticket("x", [&] { ++changes_c; });
  EXPECT_EQ(a->position(), 0);
  EXPECT_EQ(b->position(), 1);
  EXPECT_EQ(c->position(), 2);
  EXPECT_TRUE(slots.is_full());
  EXPECT_EQ(slots.take_ticket("x", [] {}), nullptr);

  a.reset();
  EXPECT_EQ(b->position(), 0);
  EXPECT_EQ(c->position(), 1);
  EXPECT_EQ(changes_b, 1);
  EXPECT_EQ(changes_c, 1);
  EXPECT_EQ(slots.taken_slots(), 1);
  EXPECT_EQ(slots.waiting(), 1);
}

TEST(SessionSlots, MoveTheQueueUpWhenAClientLeaves) {
  SessionSlots slots(1, 3, 10);
  const Ticket a = slots.take_ticket("x", [] {});
  Ticket b = slots.take_ticket("x", [] {});
  const Ticket c = slots.take_ticket("x", [] {});
  b.reset();
  EXPECT_EQ(c->position(), 1);
  EXPECT_EQ(a->position(), 0);
}

TEST(SessionSlots, AreFreeAgainWhenNobodyWaits) {
  SessionSlots slots(2, 0, 10);
  {
    const Ticket a = slots.take_ticket("x", [] {});
  }
  EXPECT_EQ(slots.taken_slots(), 0);
}

TEST(SessionSlots, AreLimitedForEachAddress) {
  SessionSlots slots(10, 10, 2);
  Ticket a = slots.take_ticket("x", [] {});
  const Ticket b = slots.take_ticket("x", [] {});
  EXPECT_EQ(slots.take_ticket("x", [] {}), nullptr);
  const Ticket other = slots.take_ticket("y", [] {});
  EXPECT_NE(other, nullptr);
  a.reset();
  EXPECT_NE(slots.take_ticket("x", [] {}), nullptr);
}

}  // namespace
}  // namespace streamdiffusion::server
