#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/files/safetensors.h"

namespace streamdiffusion {

/// Adds a tensor to `into`. Throws Error that begins with `where` if the name is already there.
void insert_tensor(std::map<std::string, FileTensor>& into, const std::string& name, FileTensor tensor,
                   const std::string& where);

/// True if shards are preferred to a single file when both exist. diffusers prefers them; transformers, whose
/// stem is `model`, does not.
bool prefers_shards(const std::string& stem);

/// The weights of one network as one set of named tensors, from a single file or from several shards.
class TensorFiles {
 public:
  /// Opens the weights in a component's folder. `stem` is `diffusion_pytorch_model` or `model`. It looks for
  /// `stem.safetensors` and `stem.safetensors.index.json`, then for the variants fp16 and bf16
  /// (`stem.fp16.safetensors`, `stem.safetensors.index.fp16.json`). The first match is opened, except as
  /// `prefers_shards` says. Throws Error if there is none; if there are pickles, it says why they are
  /// refused.
  static TensorFiles open(const std::filesystem::path& folder, const std::string& stem);
  explicit TensorFiles(std::vector<std::shared_ptr<const SafeTensors>> files);
  /// Holds tensors of one file under any names.
  TensorFiles(const std::shared_ptr<const SafeTensors>& file, std::map<std::string, FileTensor> tensors);

  /// Returns the tensor, or nullptr if there is none.
  [[nodiscard]] const FileTensor* find(const std::string& name) const;
  /// Returns the tensor. Throws Error with the file and the name if it is missing or has another shape.
  [[nodiscard]] const FileTensor& get(const std::string& name, const std::vector<std::int64_t>& shape) const;

  [[nodiscard]] const std::map<std::string, FileTensor>& tensors() const { return tensors_; }
  /// Path of the weight file, or of the index if there are shards; for error messages.
  [[nodiscard]] const std::string& where() const { return where_; }
  /// Returns the file of a tensor, or of a part of one, and its name in that file, for error messages.
  [[nodiscard]] std::string where(const FileTensor& tensor) const;

  /// Replaces each tensor's name by `rename(name)`. Throws Error if two tensors get the same name.
  template <typename F>
  void rename(F&& rename) {
    std::map<std::string, FileTensor> renamed;
    for (auto& [name, tensor] : tensors_) {
      insert_tensor(renamed, rename(name), std::move(tensor), where_);
    }
    tensors_ = std::move(renamed);
  }

  /// Sets the flag that `throw_if_stopped` asks. It outlives this object; null: reading is never stopped.
  void set_stop(const std::atomic<bool>* stop) { stop_ = stop; }
  /// Throws Cancelled if the flag is true.
  void throw_if_stopped() const;

  /// Tells the system that the mapped pages are not needed at present. The data can still be read.
  void release_pages() const;

 private:
  std::vector<std::shared_ptr<const SafeTensors>> files_;
  std::map<std::string, FileTensor> tensors_;
  std::string where_;
  const std::atomic<bool>* stop_ = nullptr;
};

/// Returns the current name of a CLIPTextModel's tensor, without the "text_model." of published files.
std::string current_text_encoder_name(const std::string& name);

/// Returns the current name of a tensor of an autoencoder. Older files have `query`, `key`, `value` and
/// `proj_attn` for `to_q`, `to_k`, `to_v` and `to_out.0`.
std::string current_autoencoder_name(const std::string& name);

}  // namespace streamdiffusion
