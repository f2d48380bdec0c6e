#include "model/text/tokenizer.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <unordered_map>
#include <utility>

#include "model/files/dduf.h"
#include "model/files/json.h"
#include "model/files/text_file.h"
#include "model/text/byte_pair_encoding.h"
#include "model/text/prompt_text.h"
#include "model/text/tokenizer_files.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;

/// A token and the offset of the byte in the text that it begins at.
struct PlacedToken {
  std::int64_t id = 0;
  std::size_t origin = 0;
};

struct SpecialToken {
  std::string text;       ///< Spelling to find in the text as given.
  PromptText normalised;  ///< Spelling to find in the normalised text.
  std::int64_t id = 0;
};

/// The ids of a vocabulary's tokens and of the tokens added to it.
class TokenIds {
 public:
  /// Throws Error that begins with `where` if two tokens share an id or a token has two ids.
  TokenIds(const Vocabulary& vocabulary, const std::vector<AddedToken>& added, const std::string& where)
      : vocabulary_(vocabulary), where_(where) {
    std::vector<bool> used(vocabulary.size());
    for (const auto& [token, id] : vocabulary) {
      mark_used(id, used);
    }
    for (const AddedToken& token : added) {
      if (!token.id || has_id(token.content, *token.id)) {
        continue;
      }
      if (mark_used(*token.id, used)) {
        throw FileError(where + ": id " + std::to_string(*token.id) + " is given to two tokens, " +
                        show_json(token.content) + " is one of them");
      }
      added_.emplace(token.content, *token.id);
    }
  }

  /// Returns the id of a token. Throws Error if there is no such token.
  [[nodiscard]] std::int64_t find(const std::string& token) const {
    if (const auto found = vocabulary_.find(token); found != vocabulary_.end()) {
      return found->second;
    }
    if (const auto found = added_.find(token); found != added_.end()) {
      return found->second;
    }
    throw FileError(where_ + ": the special token " + show_json(token) +
                    " is not in the vocabulary; the tokenizer's files belong to different models");
  }

  /// The largest id plus one.
  [[nodiscard]] std::int64_t size() const { return size_; }

 private:
  /// Marks an id as used. Returns true if it was used before.
  bool mark_used(std::int64_t id, std::vector<bool>& used) {
    size_ = std::max(size_, id + 1);
    used.resize(std::max(used.size(), static_cast<std::size_t>(size_)));
    const bool used_before = used[static_cast<std::size_t>(id)];
    used[static_cast<std::size_t>(id)] = true;
    return used_before;
  }

  /// True if the vocabulary has the token. Throws Error if it has another id there.
  [[nodiscard]] bool has_id(const std::string& token, std::int64_t id) const {
    const auto found = vocabulary_.find(token);
    if (found != vocabulary_.end() && found->second != id) {
      throw FileError(where_ + ": the special token " + show_json(token) + " has id " + std::to_string(id) +
                      " among the added tokens and " + std::to_string(found->second) +
                      " in the vocabulary; the tokenizer's files belong to different models");
    }
    return found != vocabulary_.end();
  }

  const Vocabulary& vocabulary_;
  const std::string& where_;
  std::unordered_map<std::string, std::int64_t> added_;
  std::int64_t size_ = 0;
};

/// Returns the word for a further vector of an embedding, as diffusers names it (1 for the second vector).
std::string further_word(const std::string& word, std::size_t number) {
  return word + "_" + std::to_string(number);
}

/// Returns the longest token for which `matches` is true, or nullptr.
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
  return is_model_file(file) ? read_text_file(file) : std::string();
}

/// Reads tokenizer.json if there is one, else the older files. transformers prefers it too: beside it, the
/// older files may be outdated.
TokenizerJson read_vocabulary(const fs::path& folder) {
  const fs::path all_in_one = folder / "tokenizer.json";
  if (is_model_file(all_in_one)) {
    return parse_tokenizer_json(read_text_file(all_in_one), all_in_one.string());
  }
  const fs::path vocabulary = folder / "vocab.json";
  const fs::path merges = folder / "merges.txt";
  const fs::path added = folder / "added_tokens.json";
  if (!is_model_file(vocabulary) || !is_model_file(merges)) {
    throw FileError(folder.string() + ": has neither tokenizer.json nor vocab.json with merges.txt");
  }
  TokenizerJson files;
  files.vocabulary = parse_vocabulary(read_text_file(vocabulary), vocabulary.string());
  files.merges = parse_merges(read_text_file(merges), merges.string());
  if (is_model_file(added)) {
    files.added = parse_added_tokens(read_text_file(added), added.string());
  }
  return files;
}

}  // namespace

struct Tokenizer::Impl {
  Impl(const Vocabulary& vocabulary, const Merges& merges, const TokenizerOptions& options,
       std::int64_t length_otherwise, const std::string& where)
      : Impl(vocabulary, merges, options, length_otherwise, where,
             TokenIds(vocabulary, options.added, where)) {}

  Impl(const Vocabulary& vocabulary, const Merges& merges, const TokenizerOptions& options,
       std::int64_t length_otherwise, const std::string& where, const TokenIds& ids)
      : encoding(vocabulary, merges, ids.find(options.unknown), where),
        begin(ids.find(options.begin)),
        end(ids.find(options.end)),
        pad(ids.find(options.pad)),
        length(options.length != 0 ? options.length : length_otherwise),
        size(ids.size()) {
    for (const AddedToken& token : options.added) {
      add_special(token.content, ids.find(token.content), token.normalised);
    }
  }

  void add_special(const std::string& text, std::int64_t id, bool in_normalised) {
    words.emplace(text, id);
    (in_normalised ? special_in_normalised : special_in_text)
        .push_back({text, normalise_prompt(text, 0), id});
  }

  /// Encodes a text as given: special tokens that are sought in it, and the plain text between them.
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

  /// Encodes a text after normalising it: special tokens that are sought in it, and the words between them.
  void encode_plain(std::string_view text, std::size_t offset, std::vector<PlacedToken>& tokens) const {
    const PromptText normalised = normalise_prompt(text, offset);
    auto from = normalised.begin();
    for (auto at = from; at != normalised.end();) {
      const SpecialToken* const special = longest(special_in_normalised, [&](const SpecialToken& token) {
        const auto size_there = static_cast<std::ptrdiff_t>(token.normalised.size());
        return normalised.end() - at >= size_there &&
               std::equal(at, at + size_there, token.normalised.begin(), same_value);
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
      std::vector<std::size_t> origins;  // for each byte of `bytes`
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

  /// Appends a token. After an embedding's word come the words of its further vectors, as in diffusers.
  void append(const SpecialToken& special, std::size_t origin, std::vector<PlacedToken>& tokens) const {
    tokens.push_back({special.id, origin});
    for (std::size_t i = 1;; ++i) {
      const auto further = words.find(further_word(special.text, i));
      if (further == words.end()) {
        return;
      }
      tokens.push_back({further->second, origin});
    }
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
  std::unordered_map<std::string, std::int64_t> words;  // ids of all special tokens
};

Tokenizer Tokenizer::make(const Vocabulary& vocabulary, const Merges& merges, const TokenizerOptions& options,
                          std::int64_t length_otherwise, const std::string& where) {
  return Tokenizer(std::make_unique<Impl>(vocabulary, merges, options, length_otherwise, where));
}

Tokenizer Tokenizer::open(const std::filesystem::path& folder, std::int64_t length_otherwise) {
  const std::string config = read_if_there(folder / "tokenizer_config.json");
  const std::string special_tokens = read_if_there(folder / "special_tokens_map.json");
  const TokenizerJson files = read_vocabulary(folder);
  const std::string where = folder.string();
  return make(files.vocabulary, files.merges,
              parse_tokenizer_options(config, special_tokens, where, files.added), length_otherwise, where);
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
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::string added = i == 0 ? word : further_word(word, i);
    const PromptText normalised = normalise_prompt(added, 0);
    const auto is_same = [&normalised](const SpecialToken& other) {
      return std::ranges::equal(other.normalised, normalised, Impl::same_value);
    };
    if (normalised.empty()) {
      throw FileError("a word for embeddings must not be empty");
    }
    if (std::ranges::any_of(impl_->special_in_normalised, is_same)) {
      throw FileError("the word \"" + added + "\" is there twice; give one of the embeddings another");
    }
    impl_->add_special(added, ids[i], true);
  }
}

Tokenizer::Encoding Tokenizer::encode(std::string_view text) const {
  Encoding encoding = encode(std::vector<WeightedText>{{.text = std::string(text)}});
  encoding.weights.clear();
  return encoding;
}

Tokenizer::Encoding Tokenizer::encode(const std::vector<WeightedText>& parts) const {
  std::vector<PlacedToken> tokens;
  std::vector<float> weights = {1.0F};  // the first is that of the begin token
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
  const auto capacity = static_cast<std::size_t>(impl_->length - 2);  // without the begin and end tokens
  if (tokens.size() > capacity) {
    encoding.cut = text.substr(tokens[capacity].origin);
    tokens.resize(capacity);
    weights.resize(capacity + 1);
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

std::int64_t Tokenizer::tokens_per_prompt() const { return impl_->length; }
std::int64_t Tokenizer::vocabulary_size() const { return impl_->size; }

}  // namespace streamdiffusion
