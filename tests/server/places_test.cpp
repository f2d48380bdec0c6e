#include "server/places.h"

#include <gtest/gtest.h>

namespace streamdiffusion::server {
namespace {

using Ticket = std::unique_ptr<Places::Ticket>;

TEST(Places, AreTakenInOrder) {
  Places places(1, 2, 10);
  int changes_b = 0;
  int changes_c = 0;
  Ticket a = places.enter("x", [] {});
  Ticket b = places.enter("x", [&] { ++changes_b; });
  Ticket c = places.enter("x", [&] { ++changes_c; });
  EXPECT_EQ(a->position(), 0);
  EXPECT_EQ(b->position(), 1);
  EXPECT_EQ(c->position(), 2);
  EXPECT_TRUE(places.full());
  EXPECT_EQ(places.enter("x", [] {}), nullptr);

  a.reset();
  EXPECT_EQ(b->position(), 0);
  EXPECT_EQ(c->position(), 1);
  EXPECT_EQ(changes_b, 1);
  EXPECT_EQ(changes_c, 1);
  EXPECT_EQ(places.taken(), 1);
  EXPECT_EQ(places.waiting(), 1);
}

TEST(Places, InTheQueueMoveUpWhenSomebodyGivesUp) {
  Places places(1, 3, 10);
  const Ticket a = places.enter("x", [] {});
  Ticket b = places.enter("x", [] {});
  const Ticket c = places.enter("x", [] {});
  b.reset();
  EXPECT_EQ(c->position(), 1);
  EXPECT_EQ(a->position(), 0);
}

TEST(Places, AreFreeAgainWhenNobodyWaits) {
  Places places(2, 0, 10);
  {
    const Ticket a = places.enter("x", [] {});
  }
  EXPECT_EQ(places.taken(), 0);
}

TEST(Places, AreLimitedForEachAddress) {
  Places places(10, 10, 2);
  Ticket a = places.enter("x", [] {});
  const Ticket b = places.enter("x", [] {});
  EXPECT_EQ(places.enter("x", [] {}), nullptr);
  const Ticket other = places.enter("y", [] {});
  EXPECT_NE(other, nullptr);
  a.reset();
  EXPECT_NE(places.enter("x", [] {}), nullptr);
}

}  // namespace
}  // namespace streamdiffusion::server
