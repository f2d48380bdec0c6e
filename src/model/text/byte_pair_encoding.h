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

using Vocabulary = std::unordered_map<std::string, std::int64_t>;
using Merges = std::vector<std::pair<std::string, std::string>>;

/// Byte-pair encoding of single words. Immutable.
class BytePairEncoding {
 public:
  /// `unknown`: what stands for a byte that the vocabulary lacks. Throws Error where a merge needs or makes a
  /// token that is not in the vocabulary.
  BytePairEncoding(const Vocabulary& vocabulary, const Merges& merges, std::int64_t unknown,
                   const std::string& where);

  struct Token {
    std::int64_t id = 0;
    std::size_t begin = 0;  ///< its first byte in the word
  };
  /// Appends the tokens of a word that is not empty.
  void encode(std::string_view word, std::vector<Token>& tokens) const;

 private:
  struct Merge {
    std::size_t rank = 0;  ///< the lower, the earlier
    std::int64_t made = 0;
  };
  struct PairHash {
    std::size_t operator()(const std::pair<std::int64_t, std::int64_t>& pair) const {
      return std::hash<std::uint64_t>()(static_cast<std::uint64_t>(pair.first) << 32U ^
                                        static_cast<std::uint64_t>(pair.second));
    }
  };
  [[nodiscard]] const Merge* find(std::int64_t left, std::int64_t right) const;

  std::unordered_map<std::pair<std::int64_t, std::int64_t>, Merge, PairHash> merges_;
  std::array<std::int64_t, 256> inside_{};  // the token of each byte
  std::array<std::int64_t, 256> last_{};    // the same at the end of a word
};

/// The printable character that stands for each byte in a vocabulary.
std::array<std::string, 256> byte_characters();

/// What a token spells the end of a word with.
inline constexpr std::string_view kEndOfWord = "</w>";

}  // namespace streamdiffusion
