#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host_tensor.h"
#include "model/files/safetensors.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion::conformance {

/// What the program was asked to compute with.
struct RunOptions {
  std::string device = "cpu";
  std::string precision = "f32";
};

/// A folder with the inputs of one computation and the outputs that the reference gave for them (FORMAT.md).
class Case {
 public:
  /// Throws where the folder is no case.
  explicit Case(const std::filesystem::path& folder);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& kind() const { return kind_; }
  /// case.json
  [[nodiscard]] const nlohmann::json& parameters() const { return parameters_; }

  /// The names of the tensors that must come out.
  [[nodiscard]] std::vector<std::string> outputs() const;
  [[nodiscard]] bool has(const std::string& tensor) const { return tensors_->tensors().contains(tensor); }
  /// Throws Error where there is no such tensor.
  [[nodiscard]] HostTensor tensor(const std::string& name) const;
  [[nodiscard]] const FileTensor& file_tensor(const std::string& name) const;

  /// A folder or a file.
  [[nodiscard]] std::filesystem::path model_path() const;
  /// The case's model with its autoencoder, LoRAs, `clip_skip` and `prediction_type`.
  [[nodiscard]] std::shared_ptr<Model> load_model(const RunOptions& options) const;

 private:
  std::filesystem::path folder_;
  std::string name_;
  nlohmann::json parameters_;
  std::string kind_;
  std::shared_ptr<const SafeTensors> tensors_;
};

}  // namespace streamdiffusion::conformance
