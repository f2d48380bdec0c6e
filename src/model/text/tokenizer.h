#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/prompt/prompt_weights.h"
#include "model/text/tokenizer_files.h"

namespace streamdiffusion {

/// CLIP's byte-pair encoding, equal to transformers' CLIPTokenizer. Only `add_word` changes it after loading.
class Tokenizer {
 public:
  /// Tokens of an encoding in CLIP.
  static constexpr std::int64_t kUsualLength = 77;

  /// Reads tokenizer.json, or else vocab.json, merges.txt and added_tokens.json, and also
  /// tokenizer_config.json and special_tokens_map.json. `length_otherwise` is the number of tokens of an
  /// encoding if the folder sets none. Throws Error if files are missing, malformed or disagree.
  static Tokenizer open(const std::filesystem::path& folder, std::int64_t length_otherwise = kUsualLength);
  /// Makes a tokenizer from the files' texts. The last two texts may be empty. `where` begins error messages.
  static Tokenizer parse(std::string_view vocab_json, std::string_view merges_txt,
                         std::string_view tokenizer_config, std::string_view special_tokens_map,
                         const std::string& where);
  /// Makes a tokenizer from parsed files. `length_otherwise` is used if `options` set no length.
  static Tokenizer make(const Vocabulary& vocabulary, const Merges& merges, const TokenizerOptions& options,
                        std::int64_t length_otherwise, const std::string& where);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// Adds a word for an embedding, as diffusers' load_textual_inversion does. It is found in any case and
  /// inside other words, and stands for all of `ids`. `word`_1 stands for the second id alone, and so on.
  /// Throws Error if the word is empty or one of these words exists.
  void add_word(const std::string& word, const std::vector<std::int64_t>& ids);

  /// The result of encoding a prompt.
  struct Encoding {
    std::vector<std::int64_t> ids;   ///< Exactly tokens_per_prompt() ids.
    std::vector<float> weights;      ///< Weight of each id; empty for a prompt without weights.
    std::optional<std::string> cut;  ///< The end of the text that did not fit, if any.
  };
  /// Encodes a text. Throws Error if it is invalid UTF-8.
  [[nodiscard]] Encoding encode(std::string_view text) const;
  /// Encodes the parts separately and joins their tokens. Throws Error for invalid UTF-8.
  [[nodiscard]] Encoding encode(const std::vector<WeightedText>& parts) const;

  [[nodiscard]] std::int64_t tokens_per_prompt() const;  ///< Tokens of an encoding, with begin and end.
  [[nodiscard]] std::int64_t vocabulary_size() const;    ///< The largest id plus one.

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion
