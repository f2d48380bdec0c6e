#include "model/text/clip_tokenizer.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "model/errors.h"

namespace streamdiffusion {
namespace {

constexpr std::int64_t kTokens = 49408;

TEST(ClipTokenizer, EncodesAsTheFolderOfThePublishedOneDoes) {
  const Tokenizer own = make_clip_tokenizer(kTokens, "<|endoftext|>", "file");
  const Tokenizer published = Tokenizer::open(std::filesystem::path(PROJECT_FOLDER) /
                                              "tests/conformance/cases/models/clip-vocabulary/tokenizer");
  EXPECT_EQ(own.vocabulary_size(), kTokens);
  EXPECT_EQ(own.tokens_per_prompt(), published.tokens_per_prompt());
  for (const char* const text : {"", "a photo of a cat", "  Hello,   WORLD!!  it's 2024... ",
                                 "café naïve Über straße", "日本の桜 夜景", "🐱🚀 cat's-eye",
                                 "<|startoftext|> <|endoftext|> inside", "x_y+z=10%; #tag @me ~/path"}) {
    EXPECT_EQ(own.encode(text).ids, published.encode(text).ids) << text;
  }
}

TEST(ClipTokenizer, PadsAsItIsTold) {
  const Tokenizer tokenizer = make_clip_tokenizer(kTokens, "!", "file");
  EXPECT_EQ(tokenizer.encode("cat").ids[1], 2368);
  EXPECT_EQ(tokenizer.encode("cat").ids[2], kTokens - 1);
  EXPECT_EQ(tokenizer.encode("cat").ids[3], 0);
}

TEST(ClipTokenizer, ATextEncoderWithOtherNumbersOfTokensGetsWhatItKnows) {
  EXPECT_EQ(make_clip_tokenizer(kTokens + 8, "!", "file").vocabulary_size(), kTokens);
  EXPECT_EQ(make_clip_tokenizer(614, "!", "file").vocabulary_size(), 614);
  const Tokenizer bytes = make_clip_tokenizer(514, "!", "file");
  EXPECT_EQ(bytes.encode("cat").ids[4], 513);  // three tokens of bytes, then the end token
  expect_error([] { make_clip_tokenizer(513, "!", "file"); }, {"file", "513", "514"});
}

}  // namespace
}  // namespace streamdiffusion
