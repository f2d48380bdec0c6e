#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "streamdiffusion/export.h"
#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// A LoRA or another adapter that changes the weights of a model (docs/models.md lists the kinds).
struct LoraOptions {
  /// .safetensors file with kohya, diffusers/peft or `processor` key names.
  std::filesystem::path file = {};
  float scale = 1.0F;  ///< As LoraScale::scale.
  /// Name that Parameters::lora_scales refers to, in UTF-8. Empty: the file's stem, or its folder's name if
  /// several LoRAs have the same stem.
  std::string name = {};
};

/// Sets the empty names in `loras` as Model::load does.
STREAMDIFFUSION_API void name_loras(std::vector<LoraOptions>& loras);

/// A textual inversion: learned token embeddings that a word in a prompt refers to.
struct EmbeddingOptions {
  /// .safetensors file with the tensor `emb_params` or `clip_l`, or with a single tensor named after its
  /// token.
  std::filesystem::path file = {};
  /// The word in prompts, matched in any case and also inside other words. Empty: the name of the single
  /// tensor, or the file's stem.
  std::string token = {};
};

/// A model to load, and how it computes.
struct ModelOptions {
  /// A Hugging Face diffusers folder (the one with model_index.json), the same as one .dduf file, or a
  /// Stable Diffusion 1.x or 2.x checkpoint as one .safetensors file.
  std::filesystem::path path = {};
  std::string name = {};  ///< Value of ModelInfo::name. Empty: derived from `path`.
  /// Folder or file of an autoencoder that replaces the model's own.
  std::optional<std::filesystem::path> vae = {};
  std::vector<LoraOptions> loras = {};  ///< LoRAs to load. Model::add_lora adds others later.
  /// Folder of LoRAs that prompts may name. `<lora:NAME:SCALE>` is removed from a prompt and loads
  /// NAME.safetensors from this folder or its subfolders; linked folders are followed. Names are compared in
  /// Unicode's composed form. No value: a prompt with such a tag is an error.
  std::optional<std::filesystem::path> lora_folder = {};
  std::vector<EmbeddingOptions> embeddings = {};  ///< Textual inversions to load.
  /// Interprets weights in prompts: `(word:1.3)`, `(word)`, `[word]`, as in AUTOMATIC1111's web UI.
  bool prompt_weights = false;
  /// The quantity that the UNet predicts: "epsilon", "v_prediction" or "auto". "auto" uses the model's
  /// configuration. For a single file it follows diffusers: epsilon for Stable Diffusion 1.x, v_prediction
  /// for 2.x.
  std::string prediction_type = "auto";
  /// The compute device: "cpu"; "cuda" (the first NVIDIA GPU) or "cuda:N"; "vulkan" (the first device of
  /// Vulkan, of any vendor) or "vulkan:N"; or "auto" for the first GPU of CUDA, else the first discrete GPU
  /// of Vulkan, else the CPU. See docs/gpu.md.
  ///
  /// For comparisons, "cpu:avx2", "cpu:avx512" and "cpu:avx512_vnni" restrict the CPU to these instructions.
  /// The first two restrict the whole process and must be chosen before anything is computed. "counting"
  /// computes nothing and counts the operations (StreamStatistics::operations).
  std::string device = "auto";
  /// The number format of the computation. Images differ slightly between formats; see docs/models.md.
  ///
  /// On a GPU, all activations have this type: "auto" or "f16", "f32", or with CUDA "bf16".
  ///
  /// On the CPU: "auto" or "f32" computes in float32. "bf16" computes the large layers and attention of the
  /// UNet and the autoencoder in bfloat16, with half the weight memory; processors without AVX512_BF16 use
  /// float32 instead. "int8" quantises those layers to 8 bits.
  std::string precision = "auto";
  int threads = 0;    ///< Compute threads of the CPU; 0: one for each processor.
  int clip_skip = 0;  ///< Final layers of the text encoder to skip, as diffusers counts them.
  /// Called with problems that stop nothing, such as a LoRA key without a matching layer or a truncated
  /// prompt. Called on the thread that loads or sets parameters. Empty: messages go to standard error.
  std::function<void(const std::string&)> on_warning = {};
  /// Model::load throws Cancelled soon after this becomes true, as do later calls that read weights to apply
  /// LoRAs. It must outlive the model. Null: loading cannot be stopped.
  const std::atomic<bool>* stop = nullptr;
  /// Full sentences about these options, such as the autoencoder that fetch_model chose.
  std::vector<std::string> notes = {};
  /// Called with each of the notes after loading, on the thread that loads. Empty: notes are ignored.
  std::function<void(const std::string&)> on_note = {};
};

/// Properties of a loaded model, for programs that adapt to it.
struct ModelInfo {
  std::string name;  ///< ModelOptions::name, or else the folder's name or the file's without extension.
  /// "cpu", "counting", or "cuda:N" or "vulkan:N" with the GPU's name and the type of activations.
  std::string device;
  /// Instruction set of the CPU kernels in use ("AVX-512", "AVX2", ...); empty on other devices.
  std::string instruction_set;
  int native_size = 512;      ///< Width and height in pixels that the UNet was trained at (sample_size * 8).
  int size_multiple = 8;      ///< Width and height of a stream must be multiples of this.
  int prompt_tokens = 77;     ///< Maximum length of a prompt in tokens, start and end tokens included.
  int embedding_width = 768;  ///< Numbers of each token in a prompt's embedding.
  /// The LoRAs that the model has: those of ModelOptions::loras, then those that were added. A stream uses
  /// these scales unless its parameters name others.
  std::vector<LoraScale> loras;
};

/// The networks of one model on one device, shared by any number of streams.
///
/// Thread-safety: a model and all streams that share it must be called from one thread at a time. Different
/// models may be used from different threads. The device computes on threads of its own.
class STREAMDIFFUSION_API Model {
 public:
  /// Loads a model: maps the weight files and packs each layer for the device. Throws Error if an option is
  /// out of range, a file is missing, malformed or not supported, or the memory does not suffice. Throws
  /// Cancelled if ModelOptions::stop says so.
  static std::shared_ptr<Model> load(const ModelOptions& options);
  ~Model();  ///< Frees the model. Streams keep their model alive.
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  /// Returns the properties, which `add_lora` and `remove_lora` change.
  [[nodiscard]] const ModelInfo& info() const;

  /// Adds a LoRA and returns its name. Streams use it from their next Stream::set_parameters on, with the
  /// scale that the parameters name, else `lora.scale`. Throws Error as `load` does, and if the model has
  /// a LoRA with that name.
  std::string add_lora(const LoraOptions& lora);
  /// Removes a LoRA. Streams use it until their next Stream::set_parameters. Throws ArgumentError if the
  /// model has no LoRA with that name.
  void remove_lora(const std::string& name);

  /// Returns the text encoder's output for a prompt: [ModelInfo::prompt_tokens][ModelInfo::embedding_width].
  /// `<lora:...>` tags in the prompt and `lora_scales` change the encoder as they do in a stream. Throws
  /// PromptError for a prompt that cannot be used, and ArgumentError for an unknown LoRA or a prompt of more
  /// than Parameters::kLongestText bytes.
  std::vector<float> encode_prompt(const std::string& prompt, std::span<const LoraScale> lora_scales = {});

  struct Impl;  ///< Internal to the library.

 private:
  friend struct ModelAccess;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion
