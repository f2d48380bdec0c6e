// Checks that any files give an Error or a tokenizer that encodes any text. The input is vocab.json,
// merges.txt, tokenizer_config.json, special_tokens_map.json and a text, separated by zero bytes.
#include "model/text/tokenizer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/text/tokenizer_files.h"
#include "streamdiffusion/error.h"

namespace {

using namespace streamdiffusion;

std::array<std::string_view, 5> split(std::string_view input) {
  std::array<std::string_view, 5> parts;
  for (std::string_view& part : parts) {
    const std::size_t end = std::min(input.find('\0'), input.size());
    part = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  return parts;
}

void encode(std::string_view input) {
  const auto [vocabulary, merges, config, special_tokens, text] = split(input);
  const Tokenizer tokenizer = Tokenizer::parse(vocabulary, merges, config, special_tokens, "folder");
  const Tokenizer::Encoding encoding = tokenizer.encode(text);
  const bool in_range = std::ranges::all_of(
      encoding.ids, [&](std::int64_t id) { return id >= 0 && id < tokenizer.vocabulary_size(); });
  if (!in_range || static_cast<std::int64_t>(encoding.ids.size()) != tokenizer.tokens_per_prompt()) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    encode(input);
  } catch (const Error&) {
  }
  try {
    static_cast<void>(parse_tokenizer_json(input, "tokenizer.json"));
  } catch (const Error&) {
  }
  return 0;
}
