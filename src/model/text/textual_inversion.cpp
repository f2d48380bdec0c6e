#include "model/text/textual_inversion.h"

#include <cstddef>
#include <map>

#include "model/files/pickle.h"
#include "model/files/safetensors.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

using Tensors = std::map<std::string, FileTensor>;

/// True if the name says the kind of a tensor and not the token that it belongs to.
bool is_general_name(const std::string& name) { return name == "emb_params" || name == "clip_l"; }

/// Finds the tensor for a text encoder of Stable Diffusion 1.x or 2.x.
Tensors::const_iterator find_vectors(const Tensors& tensors) {
  for (const char* const name : {"emb_params", "clip_l"}) {
    if (const auto found = tensors.find(name); found != tensors.end()) {
      return found;
    }
  }
  return tensors.size() == 1 ? tensors.begin() : tensors.end();
}

}  // namespace

TextualInversion read_textual_inversion(const EmbeddingOptions& options, std::int64_t width) {
  refuse_pickle(options.file);
  const auto file = SafeTensors::open(options.file);
  const std::string where = options.file.string();
  const auto found = find_vectors(file->tensors());
  if (found == file->tensors().end()) {
    throw FileError(where + ": is no embedding: it has neither emb_params nor clip_l nor a single tensor");
  }
  const auto& [name, tensor] = *found;
  const std::size_t rank = tensor.shape.size();
  if (rank < 1 || rank > 2 || tensor.elements() == 0 || tensor.shape.back() != width) {
    throw FileError(where + ": \"" + name + "\" has shape " + show_shape(tensor) +
                    ", this model's text encoder takes vectors of " + std::to_string(width) +
                    "; the embedding is made for another kind of model");
  }
  TextualInversion inversion;
  inversion.token = !options.token.empty()  ? options.token
                    : is_general_name(name) ? options.file.stem().string()
                                            : name;
  inversion.vectors.resize(static_cast<std::size_t>(tensor.elements()));
  try {
    convert_weights(tensor, inversion.vectors);
  } catch (const Error& error) {
    throw FileError(where + ": \"" + name + "\": " + error.what());
  }
  return inversion;
}

}  // namespace streamdiffusion
