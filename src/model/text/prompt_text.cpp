#include "model/text/prompt_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <span>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr char32_t kCapitalIWithDot = 0x130;  // the only character whose lower case is two characters
constexpr char32_t kDotAbove = 0x307;

/// Returns the code point at `at` and advances `at` past it. Returns a negative value for invalid UTF-8.
utf8proc_int32_t read_code_point(std::string_view text, std::size_t& at) {
  utf8proc_int32_t value = 0;
  const utf8proc_ssize_t length =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                       static_cast<utf8proc_ssize_t>(text.size() - at), &value);
  if (length < 0) {
    return -1;
  }
  at += static_cast<std::size_t>(length);
  return value;
}

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const std::size_t begin = at;
  const utf8proc_int32_t value = read_code_point(text, at);
  if (value < 0) {
    throw Error(
        "the prompt is not valid UTF-8 (at byte " + std::to_string(begin) + "); save or send it as UTF-8",
        ErrorCode::invalid_prompt);
  }
  return static_cast<char32_t>(value);
}

/// Composes valid UTF-8.
std::string composed(std::string_view text) {
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
      &result, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, &std::free);
  if (length < 0) {
    throw Error(std::string("the text cannot be normalised: ") + utf8proc_errmsg(length),
                ErrorCode::invalid_prompt);
  }
  return {reinterpret_cast<const char*>(result), static_cast<std::size_t>(length)};
}

/// Returns the end of the grapheme cluster that begins at `begin`. Characters are composed only within a
/// cluster (Unicode Standard Annex #29).
std::size_t cluster_end(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  auto last = static_cast<utf8proc_int32_t>(next_code_point(text, end));
  utf8proc_int32_t state = 0;
  for (std::size_t next = end; next < text.size(); end = next) {
    const auto value = static_cast<utf8proc_int32_t>(next_code_point(text, next));
    if (utf8proc_grapheme_break_stateful(last, value, &state) != 0) {
      break;
    }
    last = value;
  }
  return end;
}

void append_lower(char32_t value, std::size_t origin, PromptText& text) {
  if (value == kCapitalIWithDot) {
    text.push_back({U'i', origin});
    text.push_back({kDotAbove, origin});
  } else {
    text.push_back({static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(value))), origin});
  }
}

enum class CharacterKind { space, letter, number, other };

CharacterKind kind_of(char32_t value) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(value))) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return CharacterKind::space;
    case UTF8PROC_CATEGORY_CC:  // of the control characters, tab to carriage return and next line are spaces
      return (value >= U'\t' && value <= U'\r') || value == 0x85 ? CharacterKind::space
                                                                 : CharacterKind::other;
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharacterKind::letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharacterKind::number;
    default:
      return CharacterKind::other;
  }
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
  PromptText result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = cluster_end(text, begin);
    const std::string cluster = composed(text.substr(begin, end - begin));
    for (std::size_t i = 0; i < cluster.size();) {
      append_lower(next_code_point(cluster, i), offset + begin, result);
    }
    begin = end;
  }
  return result;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (read_code_point(text, at) < 0) {
      return false;
    }
  }
  return true;
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
  std::array<utf8proc_uint8_t, 4> bytes{};
  const utf8proc_ssize_t size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(value), bytes.data());
  return {bytes.begin(), bytes.begin() + size};
}

}  // namespace streamdiffusion
