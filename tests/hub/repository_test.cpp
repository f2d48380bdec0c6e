#include "hub/repository.h"

#include <gtest/gtest.h>

namespace streamdiffusion::hub {
namespace {

TEST(Repository, IsReadWithFileAndRevision) {
  const auto plain = parse_repository("stabilityai/sd-turbo");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->owner, "stabilityai");
  EXPECT_EQ(plain->name, "sd-turbo");
  EXPECT_EQ(plain->file, "");
  EXPECT_EQ(plain->revision, "main");
  const auto all = parse_repository("ByteDance/Hyper-SD/loras/one.safetensors@refs/pr/3");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->id(), "ByteDance/Hyper-SD");
  EXPECT_EQ(all->file, "loras/one.safetensors");
  EXPECT_EQ(all->revision, "refs/pr/3");
  EXPECT_EQ(all->text(), "ByteDance/Hyper-SD/loras/one.safetensors@refs/pr/3");
}

TEST(Repository, IsNoPathAndNothingThatTheHubDoesNotAllow) {
  for (const char* text : {"",
                           "name",
                           "/a/b",
                           "./a",
                           "../a",
                           "a/..",
                           "a/.",
                           "a//b",
                           "a/b/",
                           "a/b/c",
                           "a/b.ckpt",
                           "a/b.safetensors",
                           "a b/c",
                           "a/b@",
                           "a/b@../c",
                           "a/b@/c",
                           "a--b/c",
                           "a..b/c",
                           "-a/b",
                           "a/b-",
                           "a/b/../c.safetensors",
                           "a/b//c.safetensors",
                           "~/a",
                           "a\\b/c",
                           "C:/a"}) {
    EXPECT_FALSE(parse_repository(text)) << text;
  }
  EXPECT_FALSE(parse_repository(std::string(97, 'a') + "/b"));
  EXPECT_FALSE(parse_repository("a/b@" + std::string(2000, 'r')));
}

TEST(Repository, PathsOfAServerAreSafeOnlyBelowAFolder) {
  for (const char* path : {"a", "a/b.json", ".gitattributes", "a/..b", "a b/c", "\xc3\xa4"}) {
    EXPECT_TRUE(is_safe_path(path)) << path;
  }
  for (const char* path :
       {"", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\\b", "a\nb", "a\x7f"}) {
    EXPECT_FALSE(is_safe_path(path)) << path;
  }
  EXPECT_FALSE(is_safe_path(std::string("a\0b", 3)));
  EXPECT_FALSE(is_safe_path(std::string(256, 'a')));
  EXPECT_TRUE(is_safe_path(std::string(255, 'a')));
}

TEST(Repository, HashesAreOfAllTheirDigits) {
  EXPECT_TRUE(is_commit("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("0123456789abcdef0123456789abcdef0123456"));
  EXPECT_FALSE(is_commit("main"));
}

}  // namespace
}  // namespace streamdiffusion::hub
