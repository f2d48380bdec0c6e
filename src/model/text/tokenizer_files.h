#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/byte_pair_encoding.h"

namespace streamdiffusion {

/// A token that is recognised as a whole in a text.
struct AddedToken {
  std::string content;
  /// True to seek it in the normalised text, so in any case; false to seek it in the text as given.
  bool normalised = false;
  /// The id, if the file gives one. An id that the vocabulary lacks is added to it.
  std::optional<std::int64_t> id;
};

/// The options in tokenizer_config.json and special_tokens_map.json.
struct TokenizerOptions {
  std::string begin = "<|startoftext|>";
  std::string end = "<|endoftext|>";
  std::string unknown = "<|endoftext|>";
  std::string pad = "<|endoftext|>";
  std::vector<AddedToken> added;
  std::int64_t length = 0;  ///< model_max_length; 0 if it is missing or means "no limit".
};

/// Parses vocab.json: tokens with their ids. Throws Error if two tokens share an id.
Vocabulary parse_vocabulary(std::string_view vocab_json, const std::string& where);

/// Parses merges.txt, which has two tokens on each line.
Merges parse_merges(std::string_view merges_txt, const std::string& where);

/// The content of tokenizer.json, or of the older files that it replaces.
struct TokenizerJson {
  Vocabulary vocabulary;
  Merges merges;
  std::vector<AddedToken> added;
};
TokenizerJson parse_tokenizer_json(std::string_view tokenizer_json, const std::string& where);

/// Parses added_tokens.json: tokens added to the vocabulary, with their ids.
std::vector<AddedToken> parse_added_tokens(std::string_view added_tokens_json, const std::string& where);

/// Parses the two option files; an empty text means all defaults. special_tokens_map overrides
/// tokenizer_config, unless that has added_tokens_decoder. `listed` are the added tokens of other files, used
/// if it has not.
TokenizerOptions parse_tokenizer_options(std::string_view tokenizer_config,
                                         std::string_view special_tokens_map, const std::string& where,
                                         std::vector<AddedToken> listed = {});

}  // namespace streamdiffusion
