#include "model/text/byte_pair_encoding.h"

#include <queue>
#include <tuple>

#include "model/files/json.h"
#include "model/text/prompt_text.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

std::array<std::string, 256> byte_characters() {
  std::array<std::string, 256> characters;
  char32_t replacement = 256;
  for (std::size_t byte = 0; byte < characters.size(); ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    characters[byte] = to_utf8(printable ? static_cast<char32_t>(byte) : replacement++);
  }
  return characters;
}

namespace {

/// A token of a partly encoded word, linked to its neighbours by indices into a vector.
struct Symbol {
  std::int64_t id = 0;
  std::size_t begin = 0;
  std::size_t previous = 0;
  std::size_t next = 0;
  bool merged = false;  // into the symbol before it
};

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

}  // namespace

BytePairEncoding::BytePairEncoding(const Vocabulary& vocabulary, const Merges& merges, std::int64_t unknown,
                                   const std::string& where) {
  const auto id_or_unknown = [&](const std::string& token) {
    const auto found = vocabulary.find(token);
    return found == vocabulary.end() ? unknown : found->second;
  };
  const std::array<std::string, 256> characters = byte_characters();
  for (std::size_t byte = 0; byte < characters.size(); ++byte) {
    inside_[byte] = id_or_unknown(characters[byte]);
    last_[byte] = id_or_unknown(characters[byte] + std::string(kEndOfWord));
  }
  const auto id = [&](const std::string& token, std::size_t rank) {
    const auto found = vocabulary.find(token);
    if (found == vocabulary.end()) {
      throw FileError(where + ": merge " + std::to_string(rank + 1) + " (" + show_json(merges[rank].first) +
                      " " + show_json(merges[rank].second) + ") needs the token " + show_json(token) +
                      ", which the vocabulary lacks; the tokenizer's files belong to different models");
    }
    return found->second;
  };
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    merges_[{id(left, rank), id(right, rank)}] = {rank, id(left + right, rank)};
  }
}

const BytePairEncoding::Merge* BytePairEncoding::find(std::int64_t left, std::int64_t right) const {
  const auto found = merges_.find({left, right});
  return found == merges_.end() ? nullptr : &found->second;
}

void BytePairEncoding::encode(std::string_view word, std::vector<Token>& tokens) const {
  std::vector<Symbol> symbols(word.size());
  for (std::size_t i = 0; i < word.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(word[i]);
    const bool last = i + 1 == word.size();
    symbols[i] = {last ? last_[byte] : inside_[byte], i, i == 0 ? kNone : i - 1, last ? kNone : i + 1};
  }

  // The possible merges: the lowest rank first, from left to right.
  using Candidate = std::tuple<std::size_t, std::size_t, std::int64_t>;  // rank, left symbol, merged id
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
  const auto consider = [&](std::size_t left) {
    if (left != kNone && symbols[left].next != kNone) {
      if (const Merge* const merge = find(symbols[left].id, symbols[symbols[left].next].id)) {
        candidates.emplace(merge->rank, left, merge->made);
      }
    }
  };
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    consider(i);
  }
  while (!candidates.empty()) {
    const auto [rank, left, made] = candidates.top();
    candidates.pop();
    Symbol& symbol = symbols[left];
    if (symbol.merged || symbol.next == kNone) {
      continue;
    }
    Symbol& right = symbols[symbol.next];
    const Merge* const merge = find(symbol.id, right.id);
    if (merge == nullptr || merge->made != made) {
      continue;  // one of the two has changed since it was queued
    }
    symbol.id = made;
    symbol.next = right.next;
    right.merged = true;
    if (symbol.next != kNone) {
      symbols[symbol.next].previous = left;
    }
    consider(symbol.previous);
    consider(left);
  }
  for (std::size_t i = 0; i != kNone; i = symbols[i].next) {
    tokens.push_back({symbols[i].id, symbols[i].begin});
  }
}

}  // namespace streamdiffusion
