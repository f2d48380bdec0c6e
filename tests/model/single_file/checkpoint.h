#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/files/safetensors.h"
#include "unpacked_file.h"

namespace streamdiffusion {

/// A checkpoint of the reference cases that a test can change and write. single-sd1 has an autoencoder;
/// single-sd2 has moving averages instead.
class Checkpoint {
 public:
  explicit Checkpoint(const std::string& name)
      : unpacked_(std::filesystem::path(PROJECT_FOLDER) / "tests/conformance/cases/models" /
                  (name + ".safetensors.gz")),
        file_(SafeTensors::open(unpacked_.path())),
        tensors(file_->tensors()) {}

  void remove(std::string_view prefix) {
    std::erase_if(tensors, [&](const auto& tensor) { return tensor.first.starts_with(prefix); });
  }

  /// Replaces names that begin with `prefix` by `rename(the rest of the name)`.
  template <typename F>
  void rename(std::string_view prefix, F rename) {
    std::map<std::string, FileTensor> renamed;
    for (auto& [name, tensor] : tensors) {
      renamed[name.starts_with(prefix) ? rename(name.substr(prefix.size())) : name] = std::move(tensor);
    }
    tensors = std::move(renamed);
  }

  /// Adds a float32 tensor and keeps its values alive.
  void add(const std::string& name, const std::vector<std::int64_t>& shape,
           const std::vector<float>& values) {
    values_.push_back(std::make_unique<std::vector<float>>(values));
    tensors[name] = {DType::f32, shape, std::as_bytes(std::span(*values_.back()))};
  }

  [[nodiscard]] std::filesystem::path write(const std::filesystem::path& folder,
                                            const std::string& name = "checkpoint.safetensors") const {
    write_safetensors(folder / name, tensors);
    return folder / name;
  }

 private:
  UnpackedFile unpacked_;
  std::shared_ptr<const SafeTensors> file_;
  std::vector<std::unique_ptr<std::vector<float>>> values_;

 public:
  std::map<std::string, FileTensor> tensors;
};

}  // namespace streamdiffusion
