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

/// The device and precision to compute with.
struct RunOptions {
  std::string device = "cpu";
  std::string precision = "f32";
};

/// A reference case: a folder with the inputs of a computation and the reference's outputs (FORMAT.md).
class Case {
 public:
  /// Throws if the folder is not a case.
  explicit Case(const std::filesystem::path& folder);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& kind() const { return kind_; }
  /// The content of case.json.
  [[nodiscard]] const nlohmann::json& parameters() const { return parameters_; }

  /// The names of the output tensors.
  [[nodiscard]] std::vector<std::string> outputs() const;
  [[nodiscard]] bool has(const std::string& tensor) const { return tensors_->tensors().contains(tensor); }
  /// Throws Error if there is no such tensor.
  [[nodiscard]] HostTensor tensor(const std::string& name) const;
  [[nodiscard]] const FileTensor& file_tensor(const std::string& name) const;

  /// The case's model, a folder or a file.
  [[nodiscard]] std::filesystem::path model_path() const;
  /// Loads the case's model with its autoencoder, LoRAs, `clip_skip` and `prediction_type`.
  [[nodiscard]] std::shared_ptr<Model> load_model(const RunOptions& options) const;

 private:
  std::filesystem::path folder_;
  std::string name_;
  nlohmann::json parameters_;
  std::string kind_;
  std::shared_ptr<const SafeTensors> tensors_;
};

}  // namespace streamdiffusion::conformance
