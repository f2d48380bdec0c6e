#include "model/text/clip_tokenizer.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "model/text/byte_pair_encoding.h"
#include "model/text/clip_merges.h"
#include "model/text/tokenizer_files.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr std::array<const char*, 2> kSpecialTokens = {"<|startoftext|>", "<|endoftext|>"};
constexpr std::size_t kTokensOfBytes = 512;  // 256 bytes, each inside a word and at its end

/// Returns the tokens in CLIP's order: bytes, bytes at the end of a word, merged tokens, special tokens.
Vocabulary make_vocabulary(const Merges& merges) {
  std::array<std::string, 256> bytes = byte_characters();
  std::ranges::sort(bytes);  // printable bytes stand for themselves and come first
  Vocabulary vocabulary;
  const auto add = [&](const std::string& token) {
    vocabulary.emplace(token, static_cast<std::int64_t>(vocabulary.size()));
  };
  for (const std::string& byte : bytes) {
    add(byte);
  }
  for (const std::string& byte : bytes) {
    add(byte + std::string(kEndOfWord));
  }
  for (const auto& [left, right] : merges) {
    add(left + right);
  }
  for (const char* const token : kSpecialTokens) {
    add(token);
  }
  return vocabulary;
}

/// Returns the options in CLIP's published tokenizer_config.json.
TokenizerOptions make_options(const std::string& pad) {
  const nlohmann::json begin = {{"content", kSpecialTokens[0]}, {"normalized", true}};
  const nlohmann::json end = {{"content", kSpecialTokens[1]}, {"normalized", true}};
  const nlohmann::json config = {
      {"bos_token", begin}, {"eos_token", end}, {"unk_token", end}, {"pad_token", pad}};
  return parse_tokenizer_options(config.dump(), "", "CLIP");
}

}  // namespace

Tokenizer make_clip_tokenizer(std::int64_t tokens, const std::string& pad, const std::string& where) {
  Merges merges = parse_merges(clip_merges(), "CLIP's merges");
  const auto without_merges = static_cast<std::int64_t>(kTokensOfBytes + kSpecialTokens.size());
  if (tokens < without_merges) {
    throw FileError(where + ": the text encoder knows " + std::to_string(tokens) +
                    " tokens, CLIP's vocabulary has " + std::to_string(without_merges) +
                    " at least; the file is damaged or of another architecture");
  }
  merges.resize(std::min(merges.size(), static_cast<std::size_t>(tokens - without_merges)));
  return Tokenizer::make(make_vocabulary(merges), merges, make_options(pad), Tokenizer::kUsualLength, where);
}

}  // namespace streamdiffusion
