#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/byte_pair_encoding.h"

namespace streamdiffusion {

/// A token that is recognised in a text as it stands.
struct AddedToken {
  std::string content;
  bool normalised = false;  ///< sought in the normalised text (so in any case), else in the text as given
  /// Its number, where the file says it. One that the vocabulary lacks is a word that was added to it.
  std::optional<std::int64_t> id;
};

/// tokenizer_config.json and special_tokens_map.json.
struct TokenizerOptions {
  std::string begin = "<|startoftext|>";
  std::string end = "<|endoftext|>";
  std::string unknown = "<|endoftext|>";
  std::string pad = "<|endoftext|>";
  std::vector<AddedToken> added;
  std::int64_t length = 0;  ///< model_max_length; 0 where it is missing or means "no limit"
};

/// vocab.json: tokens with their numbers, each of which belongs to one token.
Vocabulary parse_vocabulary(std::string_view vocab_json, const std::string& where);

/// merges.txt: two tokens a line.
Merges parse_merges(std::string_view merges_txt, const std::string& where);

/// tokenizer.json, which holds everything in one, or what other files hold in its place.
struct TokenizerJson {
  Vocabulary vocabulary;
  Merges merges;
  std::vector<AddedToken> added;
};
TokenizerJson parse_tokenizer_json(std::string_view tokenizer_json, const std::string& where);

/// added_tokens.json: words that were added to the vocabulary, with their numbers.
std::vector<AddedToken> parse_added_tokens(std::string_view added_tokens_json, const std::string& where);

/// Either text may be empty: then defaults hold. What the second says wins, unless the first lists its added
/// tokens; `listed` are the added tokens of other files, used where the first has no such list.
TokenizerOptions parse_tokenizer_options(std::string_view tokenizer_config,
                                         std::string_view special_tokens_map, const std::string& where,
                                         std::vector<AddedToken> listed = {});

}  // namespace streamdiffusion
