#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/files/safetensors.h"

namespace streamdiffusion {

/// Throws Error, beginning with `where`, where `into` has that name.
void insert_tensor(std::map<std::string, FileTensor>& into, const std::string& name, FileTensor tensor,
                   const std::string& where);

/// True if of shards with an index and one file of the same weights the shards are taken: diffusers does, and
/// transformers, whose stem is `model`, does not.
bool prefers_shards(const std::string& stem);

/// The weights of one network: one file, a `.fp16.` variant or several shards with their index, seen as one
/// set of named tensors.
class TensorFiles {
 public:
  /// Finds the weight files in a component's folder (`diffusion_pytorch_model` or `model` as `stem`):
  /// `stem.safetensors`, `stem.safetensors.index.json`, and then the same of the variants `fp16` and `bf16`
  /// (`stem.fp16.safetensors`, `stem.safetensors.index.fp16.json`). Where there are several, the first of
  /// these is taken, except as `prefers_shards` says. Throws Error where there is none; where only pickles
  /// are there it says why they are refused and what to do.
  static TensorFiles open(const std::filesystem::path& folder, const std::string& stem);
  explicit TensorFiles(std::vector<std::shared_ptr<const SafeTensors>> files);
  /// Tensors of one file, under whatever names.
  TensorFiles(const std::shared_ptr<const SafeTensors>& file, std::map<std::string, FileTensor> tensors);

  /// nullptr where there is none.
  [[nodiscard]] const FileTensor* find(const std::string& name) const;
  /// Throws Error naming the file and the tensor where it is missing or has another shape.
  [[nodiscard]] const FileTensor& get(const std::string& name, const std::vector<std::int64_t>& shape) const;

  [[nodiscard]] const std::map<std::string, FileTensor>& tensors() const { return tensors_; }
  /// The weight file, or the index of several, for messages.
  [[nodiscard]] const std::string& where() const { return where_; }
  /// The file of one of these tensors and the tensor's name in that file, for messages. The tensor may be a
  /// part of the file's.
  [[nodiscard]] std::string where(const FileTensor& tensor) const;

  /// Gives every tensor the name that `rename` returns; throws Error where two become one.
  template <typename F>
  void rename(F&& rename) {
    std::map<std::string, FileTensor> renamed;
    for (auto& [name, tensor] : tensors_) {
      insert_tensor(renamed, rename(name), std::move(tensor), where_);
    }
    tensors_ = std::move(renamed);
  }

  void release_pages() const;

 private:
  std::vector<std::shared_ptr<const SafeTensors>> files_;
  std::map<std::string, FileTensor> tensors_;
  std::string where_;
};

/// What a tensor of a CLIPTextModel is called today: without the "text_model." of published files.
std::string current_text_encoder_name(const std::string& name);

/// What a tensor of an autoencoder is called today: `query`, `key`, `value` and `proj_attn` of older files
/// are `to_q`, `to_k`, `to_v` and `to_out.0`.
std::string current_autoencoder_name(const std::string& name);

}  // namespace streamdiffusion
