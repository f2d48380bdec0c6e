#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace streamdiffusion {

/// Maps each token to its id.
using Vocabulary = std::unordered_map<std::string, std::int64_t>;
/// The pairs of tokens to merge, by ascending rank.
using Merges = std::vector<std::pair<std::string, std::string>>;

/// Byte-pair encoding of single words. Immutable, so safe to use from several threads.
class BytePairEncoding {
 public:
  /// `unknown` is the id for bytes that the vocabulary lacks. Throws Error that begins with `where` if a
  /// merge needs or makes a token that the vocabulary lacks.
  BytePairEncoding(const Vocabulary& vocabulary, const Merges& merges, std::int64_t unknown,
                   const std::string& where);

  struct Token {
    std::int64_t id = 0;
    std::size_t begin = 0;  ///< Offset of its first byte in the word.
  };
  /// Appends the tokens of a word, which must not be empty.
  void encode(std::string_view word, std::vector<Token>& tokens) const;

 private:
  struct Merge {
    std::size_t rank = 0;   ///< Lower ranks are merged first.
    std::int64_t made = 0;  ///< Id of the merged token.
  };
  struct PairHash {
    std::size_t operator()(const std::pair<std::int64_t, std::int64_t>& pair) const {
      return std::hash<std::uint64_t>()(static_cast<std::uint64_t>(pair.first) << 32U ^
                                        static_cast<std::uint64_t>(pair.second));
    }
  };
  [[nodiscard]] const Merge* find(std::int64_t left, std::int64_t right) const;

  std::unordered_map<std::pair<std::int64_t, std::int64_t>, Merge, PairHash> merges_;
  std::array<std::int64_t, 256> inside_{};  // the id of each byte inside a word
  std::array<std::int64_t, 256> last_{};    // the id of each byte at the end of a word
};

/// Returns the printable character, in UTF-8, that stands for each byte in a vocabulary.
std::array<std::string, 256> byte_characters();

/// The suffix of tokens that end a word.
inline constexpr std::string_view kEndOfWord = "</w>";

}  // namespace streamdiffusion
