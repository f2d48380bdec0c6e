#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion {

/// A code point of a normalised text, with the byte of the given text that it came from.
struct PromptChar {
  char32_t value = 0;
  std::size_t origin = 0;
};
using PromptText = std::vector<PromptChar>;

/// Decodes UTF-8, composes (NFC) and lowers the case, as CLIP's tokenizer does. Throws Error where `text` is
/// not UTF-8; `origin` counts from `offset`.
PromptText normalise_prompt(std::string_view text, std::size_t offset);

/// Returns the text with letters and accents composed (NFC), so that names which look the same are the same.
/// A text that is not UTF-8 is returned as it is.
std::string compose(const std::string& text);

/// A run of a text.
struct PromptWord {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// The runs that are encoded each for itself: letters, single digits, other characters, contractions; no
/// white space.
std::vector<PromptWord> split_words(const PromptText& text);

/// UTF-8 of one code point.
std::string to_utf8(char32_t value);

}  // namespace streamdiffusion
