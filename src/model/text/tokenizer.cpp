#include "model/text/tokenizer.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "model/files/json.h"
#include "model/files/text_file.h"
#include "model/text/byte_pair_encoding.h"
#include "model/text/prompt_text.h"
#include "model/text/tokenizer_files.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;

/// A token with the byte of the text that it begins at.
struct PlacedToken {
  std::int64_t id = 0;
  std::size_t origin = 0;
};

struct SpecialToken {
  std::string text;       ///< as sought in the text as given
  PromptText normalised;  ///< as sought in the normalised text
  std::vector<std::int64_t> ids;
  bool is_word = false;  ///< not sought inside of other words
};

std::int64_t find_id(const Vocabulary& vocabulary, const std::string& token, const std::string& where) {
  const auto found = vocabulary.find(token);
  if (found == vocabulary.end()) {
    throw Error(where + ": the special token " + show_json(token) +
                " is not in the vocabulary; the tokenizer's files belong to different models");
  }
  return found->second;
}

/// The longest of the tokens that `matches`, or none.
template <typename Matches>
const SpecialToken* longest(const std::vector<SpecialToken>& tokens, Matches matches) {
  const SpecialToken* best = nullptr;
  for (const SpecialToken& token : tokens) {
    if (matches(token) && (best == nullptr || token.text.size() > best->text.size())) {
      best = &token;
    }
  }
  return best;
}

std::string read_if_there(const fs::path& file) {
  return fs::exists(file) ? read_text_file(file) : std::string();
}

}  // namespace

struct Tokenizer::Impl {
  Impl(const Vocabulary& vocabulary, const Merges& merges, const TokenizerOptions& options,
       std::int64_t length_otherwise, const std::string& where)
      : encoding(vocabulary, merges, find_id(vocabulary, options.unknown, where), where),
        begin(find_id(vocabulary, options.begin, where)),
        end(find_id(vocabulary, options.end, where)),
        pad(find_id(vocabulary, options.pad, where)),
        length(options.length != 0 ? options.length : length_otherwise),
        size(static_cast<std::int64_t>(vocabulary.size())) {
    for (const AddedToken& token : options.added) {
      const std::int64_t id = find_id(vocabulary, token.content, where);
      if (token.id.value_or(id) != id) {
        throw Error(where + ": the special token " + show_json(token.content) + " has number " +
                    std::to_string(*token.id) + " in tokenizer_config.json and " + std::to_string(id) +
                    " in the vocabulary; the tokenizer's files belong to different models");
      }
      (token.normalised ? special_in_normalised : special_in_text)
          .push_back({token.content, normalise_prompt(token.content, 0), {id}});
    }
  }

  /// Special tokens in the text as given, and what is between them.
  void encode_text(std::string_view text, std::vector<PlacedToken>& tokens) const {
    std::size_t from = 0;
    for (std::size_t at = 0; at < text.size();) {
      const SpecialToken* const special = longest(special_in_text, [&](const SpecialToken& token) {
        return text.substr(at).starts_with(token.text);
      });
      if (special == nullptr) {
        ++at;
        continue;
      }
      encode_plain(text.substr(from, at - from), from, tokens);
      append(*special, at, tokens);
      at += special->text.size();
      from = at;
    }
    encode_plain(text.substr(from), from, tokens);
  }

  /// Special tokens in the normalised text, and what is between them.
  void encode_plain(std::string_view text, std::size_t offset, std::vector<PlacedToken>& tokens) const {
    const PromptText normalised = normalise_prompt(text, offset);
    auto from = normalised.begin();
    for (auto at = from; at != normalised.end();) {
      const SpecialToken* const special = longest(special_in_normalised, [&](const SpecialToken& token) {
        const auto size_there = static_cast<std::ptrdiff_t>(token.normalised.size());
        return normalised.end() - at >= size_there &&
               std::equal(at, at + size_there, token.normalised.begin(), same_value) &&
               !(token.is_word && (is_joined(normalised, at) || is_joined(normalised, at + size_there)));
      });
      if (special == nullptr) {
        ++at;
        continue;
      }
      encode_words({from, at}, tokens);
      append(*special, at->origin, tokens);
      at += static_cast<std::ptrdiff_t>(special->normalised.size());
      from = at;
    }
    encode_words({from, normalised.end()}, tokens);
  }

  void encode_words(const PromptText& text, std::vector<PlacedToken>& tokens) const {
    std::vector<BytePairEncoding::Token> encoded;
    for (const PromptWord& word : split_words(text)) {
      std::string bytes;
      std::vector<std::size_t> origins;  // of each byte
      for (std::size_t i = word.begin; i < word.end; ++i) {
        bytes += to_utf8(text[i].value);
        origins.resize(bytes.size(), text[i].origin);
      }
      encoded.clear();
      encoding.encode(bytes, encoded);
      for (const auto& [id, first_byte] : encoded) {
        tokens.push_back({id, origins[first_byte]});
      }
    }
  }

  static void append(const SpecialToken& special, std::size_t origin, std::vector<PlacedToken>& tokens) {
    for (const std::int64_t id : special.ids) {
      tokens.push_back({id, origin});
    }
  }

  /// Whether a word goes on across this place.
  static bool is_joined(const PromptText& text, PromptText::const_iterator place) {
    return place != text.begin() && place != text.end() && is_letter_or_number(std::prev(place)->value) &&
           is_letter_or_number(place->value);
  }

  static bool same_value(const PromptChar& a, const PromptChar& b) { return a.value == b.value; }

  BytePairEncoding encoding;
  std::int64_t begin;
  std::int64_t end;
  std::int64_t pad;
  std::int64_t length;
  std::int64_t size;
  std::vector<SpecialToken> special_in_text;
  std::vector<SpecialToken> special_in_normalised;
};

Tokenizer Tokenizer::make(const Vocabulary& vocabulary, const Merges& merges, const TokenizerOptions& options,
                          std::int64_t length_otherwise, const std::string& where) {
  return Tokenizer(std::make_unique<Impl>(vocabulary, merges, options, length_otherwise, where));
}

Tokenizer Tokenizer::open(const std::filesystem::path& folder, std::int64_t length_otherwise) {
  const std::string where = folder.string();
  const std::string config = read_if_there(folder / "tokenizer_config.json");
  const std::string special_tokens = read_if_there(folder / "special_tokens_map.json");
  const fs::path vocabulary = folder / "vocab.json";
  const fs::path merges = folder / "merges.txt";
  const fs::path all_in_one = folder / "tokenizer.json";
  if (fs::exists(vocabulary) && fs::exists(merges)) {
    return make(parse_vocabulary(read_text_file(vocabulary), vocabulary.string()),
                parse_merges(read_text_file(merges), merges.string()),
                parse_tokenizer_options(config, special_tokens, where), length_otherwise, where);
  }
  if (!fs::exists(all_in_one)) {
    throw Error(where + ": has neither vocab.json with merges.txt nor tokenizer.json");
  }
  const auto [tokens, pairs, added] = parse_tokenizer_json(read_text_file(all_in_one), all_in_one.string());
  return make(tokens, pairs, parse_tokenizer_options(config, special_tokens, where, added), length_otherwise,
              all_in_one.string());
}

Tokenizer Tokenizer::parse(std::string_view vocab_json, std::string_view merges_txt,
                           std::string_view tokenizer_config, std::string_view special_tokens_map,
                           const std::string& where) {
  return make(parse_vocabulary(vocab_json, where + " (vocab.json)"),
              parse_merges(merges_txt, where + " (merges.txt)"),
              parse_tokenizer_options(tokenizer_config, special_tokens_map, where), kUsualLength, where);
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

void Tokenizer::add_word(const std::string& word, const std::vector<std::int64_t>& ids) {
  SpecialToken added{.text = word, .normalised = normalise_prompt(word, 0), .ids = ids, .is_word = true};
  const auto is_same = [&added](const SpecialToken& other) {
    return std::ranges::equal(other.normalised, added.normalised, Impl::same_value);
  };
  if (added.normalised.empty()) {
    throw Error("a word for embeddings must not be empty");
  }
  if (std::ranges::any_of(impl_->special_in_normalised, is_same)) {
    throw Error("the word \"" + word + "\" is there twice; give one of the embeddings another");
  }
  impl_->special_in_normalised.push_back(std::move(added));
}

Tokenizer::Encoding Tokenizer::encode(std::string_view text) const {
  Encoding encoding = encode(std::vector<WeightedText>{{.text = std::string(text)}});
  encoding.weights.clear();
  return encoding;
}

Tokenizer::Encoding Tokenizer::encode(const std::vector<WeightedText>& parts) const {
  std::vector<PlacedToken> tokens;
  std::vector<float> weights = {1.0F};  // of what begins it
  std::string text;
  for (const WeightedText& part : parts) {
    const std::size_t first = tokens.size();
    impl_->encode_text(part.text, tokens);
    for (PlacedToken& token : std::span(tokens).subspan(first)) {
      token.origin += text.size();
    }
    weights.resize(tokens.size() + 1, static_cast<float>(part.weight));
    text += part.text;
  }

  Encoding encoding;
  const auto room = static_cast<std::size_t>(impl_->length - 2);  // begin and end
  if (tokens.size() > room) {
    encoding.cut = text.substr(tokens[room].origin);
    tokens.resize(room);
    weights.resize(room + 1);
  }
  encoding.ids.reserve(static_cast<std::size_t>(impl_->length));
  encoding.ids.push_back(impl_->begin);
  for (const PlacedToken& token : tokens) {
    encoding.ids.push_back(token.id);
  }
  encoding.ids.push_back(impl_->end);
  encoding.ids.resize(static_cast<std::size_t>(impl_->length), impl_->pad);
  weights.resize(encoding.ids.size(), 1.0F);
  encoding.weights = std::move(weights);
  return encoding;
}

std::int64_t Tokenizer::length() const { return impl_->length; }
std::int64_t Tokenizer::vocabulary() const { return impl_->size; }

}  // namespace streamdiffusion
