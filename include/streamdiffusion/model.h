#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace streamdiffusion {

struct LoraOptions {
  std::filesystem::path file = {};  ///< .safetensors in kohya, diffusers/peft or `processor` naming
  float scale = 1.0F;
  /// For Parameters::lora_scales. Unless given it is the file's stem, or its folder's name where two have the
  /// same.
  std::string name = {};
};

/// Gives each LoRA without a name the one that Model::load gives it.
void name_loras(std::vector<LoraOptions>& loras);

/// A textual inversion.
struct EmbeddingOptions {
  /// .safetensors with `emb_params`, `clip_l` or one tensor called as its token
  std::filesystem::path file = {};
  /// The word that stands for it in prompts, in any case and also inside of other words; the tensor's or the
  /// file's name unless given.
  std::string token = {};
};

struct ModelOptions {
  /// A Hugging Face diffusers folder (the one with model_index.json), the same in one .dduf file, or a
  /// checkpoint of Stable Diffusion 1.x or 2.x in one .safetensors file.
  std::filesystem::path path = {};
  std::string name = {};  ///< for ModelInfo::name; the folder's or file's unless given
  /// An autoencoder's folder or file in place of the model's own.
  std::optional<std::filesystem::path> vae = {};
  std::vector<LoraOptions> loras = {};
  /// Where prompts may take LoRAs from: `<lora:NAME:SCALE>` is taken out of a prompt and loads
  /// NAME.safetensors from here or a subfolder, links to folders included. Names are compared with accents
  /// composed. Without it prompts are taken as they are.
  std::optional<std::filesystem::path> lora_folder = {};
  std::vector<EmbeddingOptions> embeddings = {};
  /// Prompts weigh their words: `(word:1.3)`, `(word)`, `[word]`, as in AUTOMATIC1111's web UI.
  bool prompt_weights = false;
  /// What the UNet predicts: "epsilon", "v_prediction", or "auto": what the model says, for a single file
  /// what diffusers takes it for (Stable Diffusion 1.x epsilon, 2.x v_prediction).
  std::string prediction_type = "auto";
  /// What computes: "cpu", "cuda" (the first NVIDIA GPU) or "cuda:N", or "auto": the first GPU that can be
  /// used, else the CPU. See docs/cuda.md. "cpu:avx2", "cpu:avx512" and "cpu:avx512_vnni" hold the CPU to
  /// these instructions, to see what other processors would do; the first two hold the whole process to
  /// them and come before anything is computed. "counting" computes nothing and counts what there would be to
  /// compute (StreamStatistics::operations).
  std::string device = "auto";
  /// On a GPU: "auto" or "f16" (float16), "bf16", or "f32" (slow). On the CPU what the UNet and the
  /// autoencoder compute in: "auto" or "f32" (float32, exact); "bf16": their large layers and attention in
  /// bfloat16 with half of the memory, three to four times as fast on processors with AMX, 1.5 times on
  /// others with AVX512_BF16 (float32 on those without); or "int8": those layers rounded to 8 bits, smaller
  /// and faster still, 2.5 times as fast as float32 with AVX512_BF16 or AVX-512 VNNI, 1.6 times with AVX2.
  /// Pictures differ slightly. See docs/models.md.
  std::string precision = "auto";
  int threads = 0;    ///< compute threads, 0: one for each processor
  int clip_skip = 0;  ///< layers of the text encoder to leave out at the end, as diffusers counts
  /// Called with messages that a user should see but that stop nothing (a LoRA key that matches nothing, a
  /// prompt that is cut). Called on the thread that loads or sets parameters. Default: standard error.
  std::function<void(const std::string&)> on_warning = {};
  /// Full sentences about these options, for whoever loads the model: the autoencoder that fetch_model chose.
  std::vector<std::string> notes = {};
  /// Called with each of the notes once the model has been loaded, on the thread that loads. Default: nobody.
  std::function<void(const std::string&)> on_note = {};
};

/// What a loaded model is, for programs that adapt to it.
struct ModelInfo {
  std::string name;    ///< as given, or the folder's name, or the file's without .safetensors
  std::string device;  ///< "cpu", "counting", or "cuda:N" with the GPU's name and the type of activations
  /// The one that the CPU's kernels use of those that they are compiled for: "AVX-512", "AVX2", ...; else
  /// empty.
  std::string instruction_set;
  int native_size = 512;   ///< pixels a side that the UNet was trained at (sample_size * 8)
  int size_multiple = 8;   ///< width and height must be multiples of this
  int prompt_tokens = 77;  ///< longest prompt in tokens, begin and end included
  std::vector<std::string> lora_names;
};

/// The networks of one model on one device: immutable, shared by any number of streams.
///
/// Loading maps the weight files and packs each layer once for the device. Thread-safety: a model and all
/// streams that share it are to be called from one thread at a time (the device computes on threads of its
/// own).
class Model {
 public:
  /// Throws Error with what is wrong, where and what to do when a file is missing, malformed or not
  /// supported.
  static std::shared_ptr<Model> load(const ModelOptions& options);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  [[nodiscard]] const ModelInfo& info() const;

  struct Impl;  ///< for the library's own use
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion
