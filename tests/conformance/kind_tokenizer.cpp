#include "kinds.h"
#include "model/text/tokenizer.h"

namespace streamdiffusion::conformance {

Outputs run_tokenizer(const Case& c, const RunOptions& /*options*/) {
  const Tokenizer tokenizer = Tokenizer::open(c.model_folder() / "tokenizer");
  std::vector<std::int64_t> ids;
  std::int64_t rows = 0;
  for (const nlohmann::json& text : c.parameters().at("texts")) {
    const Tokenizer::Encoding encoding = tokenizer.encode(text.get<std::string>());
    ids.insert(ids.end(), encoding.ids.begin(), encoding.ids.end());
    ++rows;
  }
  return {{"out.ids", {{rows, tokenizer.length()}, ids}}};
}

}  // namespace streamdiffusion::conformance
