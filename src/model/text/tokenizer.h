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

/// CLIP's byte-pair encoding, exactly as transformers' CLIPTokenizer has it. Immutable after loading.
class Tokenizer {
 public:
  static constexpr std::int64_t kUsualLength = 77;

  /// Reads tokenizer.json, or vocab.json, merges.txt and added_tokens.json in its place,
  /// tokenizer_config.json and special_tokens_map.json. Throws Error where they are missing, malformed or
  /// disagree. `length_otherwise`: tokens of an encoding where the folder sets no limit (the text encoder's
  /// positions).
  static Tokenizer open(const std::filesystem::path& folder, std::int64_t length_otherwise = kUsualLength);
  /// From the texts of the files; the last two may be empty.
  static Tokenizer parse(std::string_view vocab_json, std::string_view merges_txt,
                         std::string_view tokenizer_config, std::string_view special_tokens_map,
                         const std::string& where);
  /// `length_otherwise`: where `options` set no limit.
  static Tokenizer make(const Vocabulary& vocabulary, const Merges& merges, const TokenizerOptions& options,
                        std::int64_t length_otherwise, const std::string& where);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// Adds a word for an embedding, as diffusers' load_textual_inversion does. It is found in any case, also
  /// inside of other words, and stands for all of `ids`; `word`_1 stands for the second of them alone, and so
  /// on. Throws Error where the word is empty, or where one of these is added already.
  void add_word(const std::string& word, const std::vector<std::int64_t>& ids);

  struct Encoding {
    std::vector<std::int64_t> ids;   ///< exactly length() of them
    std::vector<float> weights;      ///< of each id; empty where all are 1
    std::optional<std::string> cut;  ///< what of the text did not fit, where something did not
  };
  /// Throws Error where `text` is not UTF-8.
  [[nodiscard]] Encoding encode(std::string_view text) const;
  /// Each part is encoded for itself.
  [[nodiscard]] Encoding encode(const std::vector<WeightedText>& parts) const;

  [[nodiscard]] std::int64_t length() const;      ///< tokens of an encoding, begin and end included
  [[nodiscard]] std::int64_t vocabulary() const;  ///< one more than the largest id

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion
