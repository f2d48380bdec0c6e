#include "server/access.h"

#include <gtest/gtest.h>

namespace streamdiffusion::server {
namespace {

TEST(Access, AsksForNoTokenWhereNoneIsSet) { EXPECT_TRUE(has_token({}, "", "")); }

TEST(Access, TakesTheTokenFromHeaderOrQuery) {
  const AccessRules rules{.token = "s3cret", .allowed_hosts = {}, .allowed_origins = {}};
  EXPECT_TRUE(has_token(rules, "Bearer s3cret", ""));
  EXPECT_TRUE(has_token(rules, "bearer s3cret", ""));
  EXPECT_TRUE(has_token(rules, "", "s3cret"));
  EXPECT_FALSE(has_token(rules, "", ""));
  EXPECT_FALSE(has_token(rules, "Bearer ", ""));
  EXPECT_FALSE(has_token(rules, "Bearer s3cre", ""));
  EXPECT_FALSE(has_token(rules, "Basic s3cret", ""));
  EXPECT_FALSE(has_token(rules, "s3cret", "S3CRET"));
}

TEST(Access, KnowsTheServerByAddressLocalhostAndAllowedNames) {
  const AccessRules rules{.token = "", .allowed_hosts = {"Studio.local"}, .allowed_origins = {}};
  for (const char* host :
       {"localhost", "LOCALHOST:8080", "127.0.0.1:8080", "192.168.1.4", "[::1]:8080", "studio.local:443"}) {
    EXPECT_TRUE(is_allowed_host(rules, host)) << host;
  }
  for (const char* host : {"", "evil.example", "localhost.evil.example:8080", "127.0.0.1.evil.example", "[",
                           "studio.local.evil"}) {
    EXPECT_FALSE(is_allowed_host(rules, host)) << host;
  }
}

TEST(Access, LetsOnlyItsOwnAndAllowedPagesIn) {
  const AccessRules rules{.token = "", .allowed_hosts = {}, .allowed_origins = {"https://show.example"}};
  EXPECT_TRUE(is_allowed_origin(rules, "", "127.0.0.1:8080", false));
  EXPECT_TRUE(is_allowed_origin(rules, "http://127.0.0.1:8080", "127.0.0.1:8080", false));
  EXPECT_TRUE(is_allowed_origin(rules, "https://show.example", "127.0.0.1:8080", false));
  EXPECT_FALSE(is_allowed_origin(rules, "http://127.0.0.1:8080", "127.0.0.1:8080", true));
  EXPECT_FALSE(is_allowed_origin(rules, "http://127.0.0.1:9000", "127.0.0.1:8080", false));
  EXPECT_FALSE(is_allowed_origin(rules, "null", "127.0.0.1:8080", false));
  EXPECT_FALSE(is_allowed_origin(rules, "https://show.example.evil", "127.0.0.1:8080", false));
}

TEST(Access, KnowsTheLoopbackNetwork) {
  EXPECT_TRUE(is_loopback("127.0.0.1"));
  EXPECT_TRUE(is_loopback("127.8.9.1"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("0.0.0.0"));
  EXPECT_FALSE(is_loopback("::"));
  EXPECT_FALSE(is_loopback("10.0.0.1"));
  EXPECT_FALSE(is_loopback("localhost.evil"));
}

}  // namespace
}  // namespace streamdiffusion::server
