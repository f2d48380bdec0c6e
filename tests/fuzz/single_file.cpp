// Checks that tensors of any names and shapes give an Error or the networks of a checkpoint with
// configurations. Each line of the input is a tensor: the extents of its shape (a byte each, "0" is 0), a
// space and its name.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/single_file/autoencoder_names.h"
#include "model/single_file/ema_names.h"
#include "model/single_file/recognition.h"
#include "model/single_file/text_encoder_names.h"
#include "model/weights/original_unet_names.h"
#include "streamdiffusion/error.h"

namespace {

using namespace streamdiffusion;
using Tensors = std::map<std::string, FileTensor>;

/// A file whose tensors have no data.
class MadeUp : public SafeTensors {
 public:
  MadeUp() = default;
};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

Tensors parse(std::string_view input) {
  Tensors tensors;
  for (const std::string_view line : split(input, '\n')) {
    const std::size_t space = std::min(line.find(' '), line.size());
    FileTensor tensor;
    for (const char extent : line.substr(0, space)) {
      tensor.shape.push_back(static_cast<unsigned char>(extent) - '0');
    }
    tensors[std::string(line.substr(std::min(space + 1, line.size())))] = tensor;
  }
  return tensors;
}

template <typename F>
void run_or_refuse(F run) {
  try {
    run();
  } catch (const Error&) {
  }
}

/// Renames the layers of a UNet and checks that renaming back restores every name.
TensorFiles rename_unet(const std::shared_ptr<const SafeTensors>& file, const Tensors& original) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : original) {
    names.push_back(name);
  }
  const OriginalUNetNames unet = OriginalUNetNames::from_original(names);
  Tensors renamed;
  for (const auto& [name, tensor] : original) {
    const std::string layer = name.substr(0, name.rfind('.'));
    const auto current = unet.to_current(layer);
    if (current && unet.to_original(*current) != layer) {
      std::abort();
    }
    insert_tensor(renamed, current.value_or(layer) + name.substr(layer.size()), tensor, "file");
  }
  return {file, renamed};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Tensors tensors = parse({reinterpret_cast<const char*>(data), size});
  const auto file = std::make_shared<const MadeUp>();
  for (const auto& [name, tensor] : tensors) {
    static_cast<void>(from_ema_name(name));
  }
  run_or_refuse([&] {
    const TensorFiles unet = rename_unet(file, tensors);
    static_cast<void>(recognise_unet(unet, 64));
  });
  run_or_refuse([&] {
    const TensorFiles text(file, clip_text_tensors(tensors, "file"));
    static_cast<void>(recognise_text_encoder(text, Family::sd1));
  });
  run_or_refuse([&] {
    const TensorFiles text(file, open_clip_text_tensors(tensors, "file"));
    static_cast<void>(recognise_text_encoder(text, Family::sd2));
  });
  run_or_refuse([&] {
    const TensorFiles autoencoder(file, autoencoder_tensors(tensors, "file"));
    static_cast<void>(recognise_autoencoder(autoencoder));
  });
  return 0;
}
