#include "kinds.h"
#include "model/model_impl.h"
#include "model/text/tokenizer.h"

namespace streamdiffusion::conformance {

namespace {

Outputs encode(const Tokenizer& tokenizer, const Case& c) {
  std::vector<std::int64_t> ids;
  std::int64_t rows = 0;
  for (const nlohmann::json& text : c.parameters().at("texts")) {
    const Tokenizer::Encoding encoding = tokenizer.encode(text.get<std::string>());
    ids.insert(ids.end(), encoding.ids.begin(), encoding.ids.end());
    ++rows;
  }
  return {{"out.ids", {{rows, tokenizer.tokens_per_prompt()}, ids}}};
}

}  // namespace

Outputs run_tokenizer(const Case& c, const RunOptions& options) {
  if (std::filesystem::is_directory(c.model_path())) {  // The folder need not be a complete model.
    return encode(Tokenizer::open(c.model_path() / "tokenizer"), c);
  }
  const auto model = c.load_model(options);
  return encode(ModelAccess::impl(*model).files.tokenizer, c);
}

}  // namespace streamdiffusion::conformance
