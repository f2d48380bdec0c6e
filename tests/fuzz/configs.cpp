// Checks that each parser turns any text into a configuration or an Error.
#include <cstddef>
#include <cstdint>
#include <string>

#include "model/config/config.h"
#include "streamdiffusion/error.h"

namespace {

template <typename Parse>
void parse_or_refuse(Parse parse, const std::string& text) {
  try {
    static_cast<void>(parse(text, "config.json"));
  } catch (const streamdiffusion::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  parse_or_refuse(streamdiffusion::parse_unet_config, text);
  parse_or_refuse(streamdiffusion::parse_clip_text_config, text);
  parse_or_refuse(streamdiffusion::parse_autoencoder_tiny_config, text);
  parse_or_refuse(streamdiffusion::parse_autoencoder_kl_config, text);
  parse_or_refuse(streamdiffusion::parse_scheduler_config, text);
  parse_or_refuse(streamdiffusion::parse_model_index, text);
  parse_or_refuse(streamdiffusion::parse_class_name, text);
  return 0;
}
