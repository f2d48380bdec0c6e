#include "model/text/prompt_text.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr char32_t kCapitalIWithDot = 0x130;  // the only character whose lower case is two characters
constexpr char32_t kDotAbove = 0x307;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // for ICU's macros
/// Returns the code point at `at` and advances `at` past it. Returns a negative value for invalid UTF-8.
UChar32 read_code_point(std::string_view text, std::size_t& at) {
  auto position = static_cast<std::int64_t>(at);
  const auto size = static_cast<std::int64_t>(text.size());
  UChar32 value = 0;
  U8_NEXT(text.data(), position, size, value);
  at = static_cast<std::size_t>(position);
  return value;
}
#pragma GCC diagnostic pop

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const std::size_t begin = at;
  const UChar32 value = read_code_point(text, at);
  if (value < 0) {
    throw Error("the prompt is not valid UTF-8 (at byte " + std::to_string(begin) +
                "); save or send it as UTF-8");
  }
  return static_cast<char32_t>(value);
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (read_code_point(text, at) < 0) {
      return false;
    }
  }
  return true;
}

const icu::Normalizer2& composition() {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* const nfc = icu::Normalizer2::getNFCInstance(error);
  if (U_FAILURE(error) != 0) {
    throw Error(std::string("ICU has no normalisation data: ") + u_errorName(error));
  }
  return *nfc;
}

std::string composed(std::string_view text) {
  std::string result;
  icu::StringByteSink<std::string> sink(&result);
  UErrorCode error = U_ZERO_ERROR;
  composition().normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink,
                              nullptr, error);
  if (U_FAILURE(error) != 0) {
    throw Error(std::string("the text cannot be normalised: ") + u_errorName(error));
  }
  return result;
}

void append_lower(char32_t value, std::size_t origin, PromptText& text) {
  if (value == kCapitalIWithDot) {
    text.push_back({U'i', origin});
    text.push_back({kDotAbove, origin});
  } else {
    text.push_back({static_cast<char32_t>(u_tolower(static_cast<UChar32>(value))), origin});
  }
}

bool in_category(char32_t value, std::uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(value)) & mask) != 0;
}

enum class CharacterKind { space, letter, number, other };

CharacterKind kind_of(char32_t value) {
  if (u_isUWhiteSpace(static_cast<UChar32>(value)) != 0) {
    return CharacterKind::space;
  }
  if (in_category(value, U_GC_L_MASK)) {
    return CharacterKind::letter;
  }
  return in_category(value, U_GC_N_MASK) ? CharacterKind::number : CharacterKind::other;
}

bool begins_with(const PromptText& text, std::size_t at, std::u32string_view what) {
  return text.size() - at >= what.size() &&
         std::ranges::equal(std::span(text).subspan(at, what.size()), what, {}, &PromptChar::value);
}

/// Returns the length of the contraction at `at`, or 0.
std::size_t contraction_length(const PromptText& text, std::size_t at) {
  static constexpr std::array<std::u32string_view, 7> kContractions = {U"'s", U"'t",  U"'re", U"'ve",
                                                                       U"'m", U"'ll", U"'d"};
  for (const std::u32string_view contraction : kContractions) {
    if (begins_with(text, at, contraction)) {
      return contraction.size();
    }
  }
  return 0;
}

/// Returns the number of letters if a special token's spelling begins at `at`, else 0. Such plain text, as in
/// "<|ENDOFTEXT|>", is three words: "<|", the letters and "|>".
std::size_t special_letters(const PromptText& text, std::size_t at) {
  if (begins_with(text, at, U"<|startoftext|>")) {
    return 11;
  }
  return begins_with(text, at, U"<|endoftext|>") ? 9 : 0;
}

}  // namespace

PromptText normalise_prompt(std::string_view text, std::size_t offset) {
  const icu::Normalizer2& nfc = composition();
  PromptText result;
  std::size_t at = 0;
  while (at < text.size()) {
    // A segment that is composed independently: up to the next normalisation boundary.
    const std::size_t begin = at;
    next_code_point(text, at);
    for (std::size_t next = at; at < text.size(); at = next) {
      if (nfc.hasBoundaryBefore(static_cast<UChar32>(next_code_point(text, next))) != 0) {
        break;
      }
    }
    const std::string stretch = composed(text.substr(begin, at - begin));
    for (std::size_t i = 0; i < stretch.size();) {
      append_lower(next_code_point(stretch, i), offset + begin, result);
    }
  }
  return result;
}

std::string compose(const std::string& text) { return is_utf8(text) ? composed(text) : text; }

std::vector<PromptWord> split_words(const PromptText& text) {
  std::vector<PromptWord> words;
  const auto add = [&](std::size_t begin, std::size_t length) { words.push_back({begin, begin + length}); };
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t letters = special_letters(text, at); letters > 0) {
      add(at, 2);
      add(at + 2, letters);
      add(at + 2 + letters, 2);
    } else if (const std::size_t contraction = contraction_length(text, at); contraction > 0) {
      add(at, contraction);
    } else if (const CharacterKind kind = kind_of(text[at].value); kind == CharacterKind::space) {
      ++at;
      continue;
    } else {
      std::size_t length = 1;
      while (kind != CharacterKind::number && at + length < text.size() &&
             kind_of(text[at + length].value) == kind) {
        ++length;
      }
      add(at, length);
    }
    at = words.back().end;
  }
  return words;
}

std::string to_utf8(char32_t value) {
  std::array<std::uint8_t, U8_MAX_LENGTH> bytes{};
  std::size_t size = 0;
  U8_APPEND_UNSAFE(bytes.data(), size, value);
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

}  // namespace streamdiffusion
