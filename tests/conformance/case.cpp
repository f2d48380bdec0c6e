#include "case.h"

#include <cstring>
#include <optional>
#include <utility>

#include "model/files/text_file.h"
#include "streamdiffusion/error.h"
#include "unpacked_file.h"

namespace streamdiffusion::conformance {

namespace {

std::string last_part(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder.lexically_normal();
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

std::optional<UnpackedFile> unpack_if_needed(const std::filesystem::path& file) {
  return file.extension() == ".gz" ? std::optional<UnpackedFile>(std::in_place, file) : std::nullopt;
}

}  // namespace

Case::Case(const std::filesystem::path& folder)
    : folder_(folder),
      name_(last_part(folder)),
      parameters_(nlohmann::json::parse(read_text_file(folder / "case.json"))),
      kind_(parameters_.at("kind").get<std::string>()),
      tensors_(SafeTensors::open(folder / "tensors.safetensors")) {}

std::vector<std::string> Case::outputs() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors_->tensors()) {
    if (name.starts_with("out.")) {
      names.push_back(name);
    }
  }
  return names;
}

const FileTensor& Case::file_tensor(const std::string& name) const {
  const auto found = tensors_->tensors().find(name);
  if (found == tensors_->tensors().end()) {
    throw Error(tensors_->name() + ": there is no tensor \"" + name + "\"");
  }
  return found->second;
}

HostTensor Case::tensor(const std::string& name) const {
  const FileTensor& file = file_tensor(name);
  const auto count = static_cast<std::size_t>(file.elements());
  if (file.dtype == DType::i64) {
    std::vector<std::int64_t> integers(count);
    std::memcpy(integers.data(), file.bytes.data(), file.bytes.size());
    return {file.shape, std::move(integers)};
  }
  std::vector<float> floats(count);
  convert_to_float(file, floats);
  return {file.shape, std::move(floats)};
}

std::filesystem::path Case::model_path() const {
  return folder_ / parameters_.at("model").get<std::string>();
}

std::shared_ptr<Model> Case::load_model(const RunOptions& options) const {
  const std::optional<UnpackedFile> unpacked = unpack_if_needed(model_path());  // Needed only to load.
  ModelOptions model;
  model.path = unpacked ? unpacked->path() : model_path();
  if (parameters_.contains("vae")) {
    model.vae = folder_ / parameters_.at("vae").get<std::string>();
  }
  model.prediction_type = parameters_.value("prediction_type", model.prediction_type);
  model.device = options.device;
  model.precision = options.precision;
  model.clip_skip = parameters_.value("clip_skip", 0);
  for (const nlohmann::json& lora : parameters_.value("loras", nlohmann::json::array())) {
    LoraOptions lora_options;
    lora_options.file = model_path() / lora.at("file").get<std::string>();
    lora_options.scale = lora.at("scale").get<float>();
    model.loras.push_back(std::move(lora_options));
  }
  return Model::load(model);
}

}  // namespace streamdiffusion::conformance
