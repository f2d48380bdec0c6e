#include "hub/listing.h"

#include <gtest/gtest.h>

#include "streamdiffusion/error.h"

namespace streamdiffusion::hub {
namespace {

const std::string kSha1(40, 'b');
const std::string kSha256(64, 'a');

TEST(Listing, TellsSizeAndHashOfPlainAndLargeFiles) {
  const auto files = parse_tree(R"([{"type": "directory", "path": "unet", "oid": "x", "size": 0},
      {"type": "file", "path": "a.json", "oid": ")" +
                                    kSha1 + R"(", "size": 3},
      {"type": "file", "path": "unet/b.safetensors", "oid": "pointer", "size": 134,
       "lfs": {"oid": ")" + kSha256 +
                                    R"(", "size": 5000000000, "pointerSize": 134}, "xetHash": "c"}])",
                                "someone/model");
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].path, "a.json");
  EXPECT_EQ(files[0].size, 3);
  EXPECT_EQ(files[0].hash, kSha1);
  EXPECT_EQ(files[1].size, 5'000'000'000);
  EXPECT_EQ(files[1].hash, kSha256);
}

TEST(Listing, RefusesWhatIsMalformed) {
  for (const char* text : {"", "{", "{}", "[7]", "[{}]", R"([{"type": 7}])", R"([{"type": "file"}])",
                           R"([{"type": "file", "path": "a", "size": 1}])"}) {
    EXPECT_THROW(static_cast<void>(parse_tree(text, "where")), Error) << text;
  }
  EXPECT_THROW(static_cast<void>(parse_tree(std::string(1'000'000, '['), "where")), Error);
}

TEST(Listing, ACommitIsOne) {
  EXPECT_EQ(parse_commit(R"({"id": "a/b", "sha": ")" + kSha1 + R"("})", "where"), kSha1);
  for (const char* text : {"[]", "{}", R"({"sha": 1})", R"({"sha": "main"})", R"({"sha": "../x"})"}) {
    EXPECT_THROW(static_cast<void>(parse_commit(text, "where")), Error) << text;
  }
}

TEST(Listing, TheNextPageIsTakenFromTheLinks) {
  EXPECT_EQ(parse_next_page(R"(<https://hub/x?cursor=2>; rel="next")"), "https://hub/x?cursor=2");
  EXPECT_EQ(parse_next_page(R"(<https://hub/1>; rel="prev", <https://hub/2>; rel="next")"), "https://hub/2");
  EXPECT_EQ(parse_next_page(R"(<https://hub/1>; rel="last")"), "");
  EXPECT_EQ(parse_next_page(""), "");
  EXPECT_EQ(parse_next_page("<https://hub"), "");
  EXPECT_EQ(parse_next_page(">;,<"), "");
}

}  // namespace
}  // namespace streamdiffusion::hub
