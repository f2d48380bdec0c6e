#include "case.h"

#include <cstring>
#include <utility>

#include "model/files/text_file.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::conformance {

namespace {

std::string last_part(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder.lexically_normal();
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
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

std::filesystem::path Case::model_folder() const {
  return folder_ / parameters_.at("model").get<std::string>();
}

std::shared_ptr<Model> Case::load_model(const RunOptions& options) const {
  ModelOptions model;
  model.folder = model_folder();
  model.device = options.device;
  model.precision = options.precision;
  model.clip_skip = parameters_.value("clip_skip", 0);
  for (const nlohmann::json& lora : parameters_.value("loras", nlohmann::json::array())) {
    LoraOptions lora_options;
    lora_options.file = model_folder() / lora.at("file").get<std::string>();
    lora_options.scale = lora.at("scale").get<float>();
    model.loras.push_back(std::move(lora_options));
  }
  return Model::load(model);
}

}  // namespace streamdiffusion::conformance
