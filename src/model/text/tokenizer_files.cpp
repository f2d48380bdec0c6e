#include "model/text/tokenizer_files.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "model/files/json.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using nlohmann::json;

constexpr std::int64_t kMostTokens = 1 << 24;  // far beyond any vocabulary; limits the memory for ids
constexpr std::int64_t kLongest = 1 << 16;     // longest encoding in tokens; larger values mean "no limit"

/// Returns the id of a token. Throws Error if `id` is not an integer from 0 to kMostTokens - 1.
std::int64_t to_id(const std::string& token, const json& id, const std::string& where) {
  if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= kMostTokens) {
    throw FileError(where + ": token " + show_json(token) + " has id " + show_json(id) +
                    ", which must be an integer from 0 to " + std::to_string(kMostTokens - 1));
  }
  return id.get<std::int64_t>();
}

Vocabulary to_vocabulary(const json& tokens, const std::string& where) {
  if (!tokens.is_object() || tokens.empty()) {
    throw FileError(where + ": the vocabulary must be an object of tokens and their ids");
  }
  Vocabulary vocabulary;
  vocabulary.reserve(tokens.size());
  std::vector<bool> used(tokens.size());
  for (const auto& [token, id] : tokens.items()) {
    const std::int64_t checked_id = to_id(token, id, where);
    const auto index = static_cast<std::size_t>(checked_id);
    used.resize(std::max(used.size(), index + 1));
    if (used[index]) {
      throw FileError(where + ": id " + show_json(id) + " is given to two tokens, " + show_json(token) +
                      " is one of them");
    }
    used[index] = true;
    vocabulary.emplace(token, checked_id);
  }
  return vocabulary;
}

/// Reads either "token" or {"content": "token", ...}.
AddedToken to_added_token(const json& value, const std::string& where) {
  AddedToken token;
  const json& content = value.is_object() ? value.value("content", json()) : value;
  if (!content.is_string() || content.get_ref<const std::string&>().empty()) {
    throw FileError(where + " must be a token, not " + show_json(value));
  }
  token.content = content.get<std::string>();
  if (!value.is_object()) {
    return token;
  }
  for (const char* const option : {"lstrip", "rstrip", "single_word"}) {
    if (value.value(option, json(false)) != json(false)) {
      throw FileError(where + ": " + option + " is not supported");
    }
  }
  token.normalised = value.value("normalized", json(false)) == json(true);
  return token;
}

/// The fields that name special tokens, in the order in which transformers adds them.
constexpr std::array<const char*, 7> kNames = {"bos_token", "eos_token", "unk_token", "sep_token",
                                               "pad_token", "cls_token", "mask_token"};

class OptionsReader {
 public:
  OptionsReader(const json& config, std::vector<AddedToken> listed, const std::string& where)
      : config_(config), where_(where) {
    options_.added = std::move(listed);
  }

  [[nodiscard]] TokenizerOptions read() {
    refuse_other_tokenizers();
    read_listed();
    for (const char* const name : kNames) {
      if (const std::optional<AddedToken> token = find(name)) {
        add(*token);
      }
    }
    const auto content = [&](const char* name, const std::string& otherwise) {
      const std::optional<AddedToken> token = find(name);
      return token ? token->content : otherwise;
    };
    options_.begin = content("bos_token", options_.begin);
    options_.end = content("eos_token", options_.end);
    options_.unknown = content("unk_token", options_.unknown);
    options_.pad = content("pad_token", options_.pad);
    for (const std::string& token : {options_.begin, options_.end, options_.unknown, options_.pad}) {
      if (std::ranges::find(options_.added, token, &AddedToken::content) == options_.added.end()) {
        add({token, false, std::nullopt});
      }
    }
    read_additional();
    options_.length = read_length();
    return std::move(options_);
  }

 private:
  [[nodiscard]] std::string field(const std::string& name) const {
    return where_ + ": field \"" + name + "\"";
  }

  [[nodiscard]] const json& value(const std::string& name) const {
    static const json kNull;
    const auto found = config_.find(name);
    return found == config_.end() ? kNull : *found;
  }

  [[nodiscard]] std::optional<AddedToken> find(const char* name) const {
    const json& token = value(name);
    return token.is_null() ? std::nullopt : std::optional(to_added_token(token, field(name)));
  }

  void refuse_other_tokenizers() const {
    static constexpr std::array<std::pair<const char*, std::array<const char*, 2>>, 3> kSupported = {
        {{"tokenizer_class", {"CLIPTokenizer", "CLIPTokenizerFast"}},
         {"padding_side", {"right", "right"}},
         {"truncation_side", {"right", "right"}}}};
    for (const auto& [name, supported] : kSupported) {
      if (!value(name).is_null() && value(name) != supported[0] && value(name) != supported[1]) {
        throw FileError(field(name) + " is " + show_json(value(name)) + ", which is not supported; only " +
                        supported[0] + " is");
      }
    }
    for (const char* const name : {"split_special_tokens", "add_prefix_space"}) {
      if (!value(name).is_null() && value(name) != json(false)) {
        throw FileError(field(name) + " must be false");
      }
    }
  }

  /// Reads added_tokens_decoder. No later field overrides its entries.
  void read_listed() {
    const json& listed = value("added_tokens_decoder");
    if (!listed.is_null() && !listed.is_object()) {
      throw FileError(field("added_tokens_decoder") + " must be an object");
    }
    for (const auto& [id, token] : listed.items()) {
      const std::string place = field("added_tokens_decoder") + " entry " + show_json(id);
      AddedToken added = to_added_token(token, place);
      std::uint64_t parsed_id = 0;
      const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), parsed_id);
      if (error != std::errc() || end != id.data() + id.size()) {
        throw FileError(place + " must have an id for its name");
      }
      added.id = to_id(added.content, parsed_id, place);
      add(added);
    }
    listed_ = options_.added.size();
  }

  void read_additional() {
    for (const char* const name : {"additional_special_tokens", "extra_special_tokens"}) {
      const json& tokens = value(name);
      for (const json& token : tokens.is_array() ? tokens : json::array()) {
        add(to_added_token(token, field(name)));
      }
    }
  }

  /// Adds a token. A later entry replaces an earlier one, except one that was listed.
  void add(const AddedToken& token) {
    const auto found = std::ranges::find(options_.added, token.content, &AddedToken::content);
    if (found == options_.added.end()) {
      options_.added.push_back(token);
    } else if (std::distance(options_.added.begin(), found) >= static_cast<std::ptrdiff_t>(listed_)) {
      const std::optional<std::int64_t> id = token.id ? token.id : found->id;
      *found = token;
      found->id = id;
    }
  }

  [[nodiscard]] std::int64_t read_length() const {
    const json& length = value("model_max_length");
    if (length.is_null() || (length.is_number() && length.get<double>() > static_cast<double>(kLongest))) {
      return 0;
    }
    if (!length.is_number_unsigned() || length.get<std::uint64_t>() < 2) {
      throw FileError(field("model_max_length") + " must be an integer from 2 on, not " + show_json(length));
    }
    return length.get<std::int64_t>();
  }

  const json& config_;
  const std::string& where_;
  TokenizerOptions options_;
  std::size_t listed_ = 0;  // number of listed tokens, which come first and are not replaced
};

json parse_optional_object(std::string_view text, const std::string& where) {
  return text.empty() ? json::object() : parse_json_object(text, where);
}

std::pair<std::string, std::string> to_merge(std::string_view line, const std::string& where) {
  const std::size_t space = line.find(' ');
  const bool two = space != std::string_view::npos && line.find(' ', space + 1) == std::string_view::npos;
  if (!two || space == 0 || space + 1 == line.size()) {
    throw FileError(where + " must be two tokens with a space between");
  }
  return {std::string(line.substr(0, space)), std::string(line.substr(space + 1))};
}

void require(const json& object, const char* name, std::initializer_list<json> supported,
             const std::string& where) {
  const json value = object.value(name, json());
  if (std::ranges::find(supported, value) == supported.end()) {
    throw FileError(where + ": field \"" + name + "\" is " + show_json(value) + ", which is not supported");
  }
}

}  // namespace

Vocabulary parse_vocabulary(std::string_view vocab_json, const std::string& where) {
  return to_vocabulary(parse_json_object(vocab_json, where), where);
}

Merges parse_merges(std::string_view merges_txt, const std::string& where) {
  Merges merges;
  std::size_t number = 0;
  while (!merges_txt.empty()) {
    const std::size_t end = std::min(merges_txt.find('\n'), merges_txt.size());
    std::string_view line = merges_txt.substr(0, end);
    merges_txt.remove_prefix(std::min(end + 1, merges_txt.size()));
    ++number;
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (!line.empty() && !line.starts_with("#version")) {
      merges.push_back(to_merge(line, where + ": line " + std::to_string(number)));
    }
  }
  return merges;
}

std::vector<AddedToken> parse_added_tokens(std::string_view added_tokens_json, const std::string& where) {
  const json tokens = parse_json_object(added_tokens_json, where);
  std::vector<AddedToken> added;
  for (const auto& [token, id] : tokens.items()) {
    // transformers seeks these in the normalised text, except those that are also special tokens.
    added.push_back({.content = token, .normalised = true, .id = to_id(token, id, where)});
  }
  return added;
}

TokenizerOptions parse_tokenizer_options(std::string_view tokenizer_config,
                                         std::string_view special_tokens_map, const std::string& where,
                                         std::vector<AddedToken> listed) {
  json config = parse_optional_object(tokenizer_config, where + " (tokenizer_config.json)");
  const json map = parse_optional_object(special_tokens_map, where + " (special_tokens_map.json)");
  if (!config.contains("added_tokens_decoder")) {
    config.update(map);
  } else {
    listed.clear();
  }
  return OptionsReader(config, std::move(listed), where).read();
}

TokenizerJson parse_tokenizer_json(std::string_view tokenizer_json, const std::string& where) {
  const json parsed = parse_json_object(tokenizer_json, where);
  const json& model = parsed.value("model", json());
  if (!model.is_object()) {
    throw FileError(where + ": field \"model\" must be an object");
  }
  require(model, "type", {"BPE", json()}, where);
  require(model, "end_of_word_suffix", {std::string(kEndOfWord)}, where);
  require(model, "continuing_subword_prefix", {"", json()}, where);
  TokenizerJson result;
  result.vocabulary = to_vocabulary(model.value("vocab", json()), where);
  for (const json& token : parsed.value("added_tokens", json::array())) {
    AddedToken added = to_added_token(token, where + ": field \"added_tokens\"");
    if (token.is_object() && token.contains("id")) {
      added.id = to_id(added.content, token["id"], where);
    }
    result.added.push_back(std::move(added));
  }
  const json merges = model.value("merges", json());
  if (!merges.is_array()) {
    throw FileError(where + ": field \"merges\" must be a list");
  }
  for (const json& merge : merges) {
    const std::string place = where + ": merge " + show_json(merge);
    if (merge.is_string()) {
      result.merges.push_back(to_merge(merge.get_ref<const std::string&>(), place));
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      result.merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
    } else {
      throw FileError(place + " must be two tokens");
    }
  }
  return result;
}

}  // namespace streamdiffusion
