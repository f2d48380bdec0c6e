#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion {

/// A code point of a normalised text, and the offset of the byte in the original text that it came from.
struct PromptChar {
  char32_t value = 0;
  std::size_t origin = 0;
};
using PromptText = std::vector<PromptChar>;

/// Decodes UTF-8, composes (NFC) and converts to lower case, as CLIP's tokenizer does. Origins count from
/// `offset`. Throws Error if `text` is invalid UTF-8.
PromptText normalise_prompt(std::string_view text, std::size_t offset);

/// True if the text is valid UTF-8.
bool is_utf8(std::string_view text);

/// Returns the text with letters and accents composed (NFC), so that names that look equal are equal. Returns
/// invalid UTF-8 unchanged.
std::string compose(const std::string& text);

/// A range [begin, end) of code points in a PromptText.
struct PromptWord {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Splits a text into the words that are encoded separately: letters, single digits, other characters,
/// contractions. White space is left out.
std::vector<PromptWord> split_words(const PromptText& text);

/// Returns a code point in UTF-8.
std::string to_utf8(char32_t value);

}  // namespace streamdiffusion
