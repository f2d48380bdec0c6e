#include "hub/http.h"

#include <gtest/gtest.h>

#include "hub/retry.h"
#include "hub/url.h"
#include "manual_clock.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {
namespace {

TEST(Http, HeadsAreReadWhateverTheirLetters) {
  HttpHead head;
  for (const char* line :
       {"HTTP/1.1 302 Found\r\n", "LOCATION: https://elsewhere/x \r\n", "ETag: W/\"of-the-page\"\r\n",
        "X-Linked-ETag: \"abc\"\r\n", "retry-after: 7\r\n", "X-Error-Code: GatedRepo\r\n",
        "X-Error-Message: a\x1b[31mred\r\n", "Link: <u>; rel=\"next\"\r\n", "\r\n", "nonsense\r\n"}) {
    read_header(line, head);
  }
  EXPECT_EQ(head.status, 302);
  EXPECT_EQ(head.location, "https://elsewhere/x");
  EXPECT_EQ(head.etag, "abc");
  EXPECT_EQ(head.retry_after, std::chrono::seconds(7));
  EXPECT_EQ(head.error_code, "GatedRepo");
  EXPECT_EQ(head.error_message, "a?[31mred");
  read_header("HTTP/2 200\r\n", head);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.location, "");
  read_header("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", head);
  read_header("Retry-After: -5\r\n", head);
  EXPECT_FALSE(head.retry_after);
}

TEST(Url, LettersThatMeanSomethingAreQuoted) {
  EXPECT_EQ(quote("refs/pr/1"), "refs%2Fpr%2F1");
  EXPECT_EQ(quote("a b/c?d#e", "/"), "a%20b/c%3Fd%23e");
  EXPECT_EQ(quote("\xc3\xa4-._~9"), "%C3%A4-._~9");
}

TEST(Url, OriginIsSchemeHostAndPort) {
  EXPECT_TRUE(has_same_origin("https://hub.co/a", "https://HUB.co:443/b"));
  EXPECT_FALSE(has_same_origin("https://hub.co/a", "http://hub.co/a"));
  EXPECT_FALSE(has_same_origin("http://127.0.0.1:1/a", "http://127.0.0.1:2/a"));
  EXPECT_FALSE(has_same_origin("https://hub.co", "https://hub.co.evil.com"));
  EXPECT_FALSE(has_same_origin("https://hub.co", "https://hub.co@evil.com"));
}

TEST(Url, LeadsToWebAddressesAlone) {
  EXPECT_EQ(resolve_url("https://hub.co/a/b", "/c"), "https://hub.co/c");
  EXPECT_EQ(resolve_url("https://hub.co/a/b", "https://cdn.co/x?y=1"), "https://cdn.co/x?y=1");
  EXPECT_THROW(static_cast<void>(resolve_url("https://hub.co", "file:///etc/passwd")), Error);
  EXPECT_THROW(static_cast<void>(resolve_url("https://hub.co", "ftp://hub.co/x")), Error);
  EXPECT_THROW(check_url("hub.co"), Error);
  EXPECT_THROW(check_url("ftp://hub.co"), Error);
}

TEST(Retry, TriesAsOftenAsItIsToldUnlessThereIsProgress) {
  int attempts = 0;
  const auto fail = [&] {
    ++attempts;
    throw Unavailable("no", std::chrono::seconds(0));
  };
  const Retry retry(3, nullptr, {});
  EXPECT_THROW(retry.run(fail, [] { return false; }), Unavailable);
  EXPECT_EQ(attempts, 3);
  attempts = 0;
  EXPECT_THROW(retry.run(fail, [&] { return attempts < 5; }), Unavailable);
  EXPECT_EQ(attempts, 6);
}

TEST(Retry, WaitsAsLongAsTheServerAsks) {
  ManualClock clock;
  const MonotonicClock::TimePoint start = clock.now();
  const Retry retry(3, nullptr, {}, clock);
  EXPECT_THROW(retry.run([] { throw Unavailable("no", std::chrono::seconds(20)); }, [] { return false; }),
               Unavailable);
  EXPECT_EQ(clock.now() - start, 2 * std::chrono::seconds(20));
}

TEST(Retry, WaitsLongerAndLongerUpToALimitAndStops) {
  EXPECT_LT(Retry::pause(1), Retry::pause(2));
  EXPECT_EQ(Retry::pause(50), Retry::pause(1000));
  const std::atomic<bool> stop = true;
  const Retry retry(3, &stop, {});
  EXPECT_THROW(retry.run([] { throw Unavailable("no", std::chrono::seconds(100)); }, [] { return false; }),
               HubStopped);
}

}  // namespace
}  // namespace streamdiffusion::hub
