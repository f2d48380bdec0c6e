#include "kinds.h"

#include <map>

#include "streamdiffusion/error.h"

namespace streamdiffusion::conformance {

Outputs run_case(const Case& c, const RunOptions& options) {
  using Run = Outputs (*)(const Case&, const RunOptions&);
  static const std::map<std::string, Run> kinds = {
      {"tokenizer", run_tokenizer},
      {"text_encoder", run_text_encoder},
      {"unet", run_unet},
      {"vae_encode", run_vae_encode},
      {"vae_decode", run_vae_decode},
      {"noise", run_noise},
      {"filter", run_filter},
      {"stream", run_stream},
  };
  const auto found = kinds.find(c.kind());
  if (found == kinds.end()) {
    throw Error("kind \"" + c.kind() + "\" is not known");
  }
  return found->second(c, options);
}

}  // namespace streamdiffusion::conformance
