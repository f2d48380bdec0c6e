#include "model/files/tensor_files.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "model/files/dduf.h"
#include "model/files/json.h"
#include "model/files/pickle.h"
#include "model/files/text_file.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Returns the name of the shard that holds each tensor.
std::map<std::string, std::string> read_weight_map(const fs::path& index) {
  const json parsed = parse_json_object(read_text_file(index), index.string());
  const auto weight_map = parsed.find("weight_map");
  if (weight_map == parsed.end() || !weight_map->is_object() || weight_map->empty()) {
    throw FileError(index.string() + ": weight_map must be an object that names the file of each tensor");
  }
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : weight_map->items()) {
    if (!file.is_string()) {
      throw FileError(index.string() + ": weight_map \"" + tensor + "\" must be a file name, not " +
                      show_json(file));
    }
    files[tensor] = file.get<std::string>();
    if (fs::path(files[tensor]).filename() != files[tensor]) {
      throw FileError(index.string() + ": weight_map \"" + tensor +
                      "\" must name a file beside the index, not " + show_json(file));
    }
  }
  return files;
}

std::vector<std::shared_ptr<const SafeTensors>> open_shards(const fs::path& index) {
  const std::map<std::string, std::string> weight_map = read_weight_map(index);
  std::map<std::string, std::shared_ptr<const SafeTensors>> shards;
  for (const auto& [tensor, name] : weight_map) {
    std::shared_ptr<const SafeTensors>& shard = shards[name];
    if (shard == nullptr) {
      shard = SafeTensors::open(index.parent_path() / name);
    }
    if (!shard->tensors().contains(tensor)) {
      throw FileError(shard->name() + ": has no tensor \"" + tensor + "\", which " +
                      index.filename().string() + " says it has");
    }
  }
  std::vector<std::shared_ptr<const SafeTensors>> opened;
  for (auto& [name, shard] : shards) {
    opened.push_back(std::move(shard));
  }
  return opened;
}

/// True if the index and all its shards exist. Missing shards were replaced by a single file.
bool has_all_shards(const fs::path& index) {
  return is_model_file(index) && std::ranges::all_of(read_weight_map(index), [&](const auto& entry) {
           return is_model_file(index.parent_path() / entry.second);
         });
}

/// Returns a pickle in the folder, or an empty path.
fs::path find_pickle(const fs::path& folder) {
  std::error_code ignored;  // set for folders in a DDUF file, which has no pickles
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (is_pickle(entry.path())) {
      return entry.path();
    }
  }
  return {};
}

[[noreturn]] void throw_nothing_found(const fs::path& folder, const std::string& stem) {
  if (!is_model_folder(folder)) {
    throw FileError(folder.string() + ": there is no such folder; a diffusers model has it");
  }
  refuse_pickle(find_pickle(folder));
  throw FileError(folder.string() + ": has no " + stem + ".safetensors (nor " + stem +
                  ".fp16.safetensors, nor " + stem + ".safetensors.index.json)");
}

std::string replaced_segment(const std::string& name, std::string_view old_segment,
                             std::string_view new_segment) {
  const std::size_t at = name.find(old_segment);
  return at == std::string::npos
             ? name
             : name.substr(0, at).append(new_segment).append(name, at + old_segment.size());
}

}  // namespace

void insert_tensor(std::map<std::string, FileTensor>& into, const std::string& name, FileTensor tensor,
                   const std::string& where) {
  if (!into.emplace(name, std::move(tensor)).second) {
    throw FileError(where + ": has tensor \"" + name + "\" twice");
  }
}

bool prefers_shards(const std::string& stem) { return stem != "model"; }

TensorFiles TensorFiles::open(const std::filesystem::path& folder, const std::string& stem) {
  for (const std::string variant : {"", ".fp16", ".bf16"}) {
    const fs::path whole = folder / (stem + variant + ".safetensors");
    const fs::path index = folder / (stem + ".safetensors.index" + variant + ".json");
    if (is_model_file(whole) && !(prefers_shards(stem) && has_all_shards(index))) {
      return TensorFiles({SafeTensors::open(whole)});
    }
    if (is_model_file(index)) {
      TensorFiles files(open_shards(index));
      files.where_ = index.string();
      return files;
    }
  }
  throw_nothing_found(folder, stem);
}

TensorFiles::TensorFiles(std::vector<std::shared_ptr<const SafeTensors>> files) : files_(std::move(files)) {
  for (const auto& file : files_) {
    where_ = file->name();
    for (const auto& [name, tensor] : file->tensors()) {
      insert_tensor(tensors_, name, tensor, where_);
    }
  }
}

TensorFiles::TensorFiles(const std::shared_ptr<const SafeTensors>& file,
                         std::map<std::string, FileTensor> tensors)
    : files_({file}), tensors_(std::move(tensors)), where_(file->name()) {}

const FileTensor* TensorFiles::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const FileTensor& TensorFiles::get(const std::string& name, const std::vector<std::int64_t>& shape) const {
  const FileTensor* const tensor = find(name);
  if (tensor == nullptr) {
    throw FileError(where_ + ": has no tensor \"" + name +
                    "\", which the network needs; the file is incomplete or for another kind of model, "
                    "download it again");
  }
  if (tensor->shape != shape) {
    throw FileError(where_ + ": tensor \"" + name + "\" has shape " + show_shape(*tensor) +
                    ", but the network needs " + show_shape(shape) +
                    "; the parts of the model do not belong together, download it again");
  }
  return *tensor;
}

void TensorFiles::throw_if_stopped() const {
  if (stop_ != nullptr && *stop_) {
    throw Cancelled(where_ + ": the program stopped the reading of the model");
  }
}

std::string TensorFiles::where(const FileTensor& tensor) const {
  for (const auto& file : files_) {
    for (const auto& [name, whole] : file->tensors()) {
      const std::byte* const begin = whole.bytes.data();
      if (tensor.bytes.data() >= begin && tensor.bytes.data() < begin + whole.bytes.size()) {
        return file->name() + ": tensor \"" + name + "\"";
      }
    }
  }
  return where_;
}

void TensorFiles::release_pages() const {
  for (const auto& file : files_) {
    file->release_pages();
  }
}

std::string current_text_encoder_name(const std::string& name) {
  static constexpr std::string_view kPrefix = "text_model.";
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

std::string current_autoencoder_name(const std::string& name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kSegments = {
      {{".query.", ".to_q."}, {".key.", ".to_k."}, {".value.", ".to_v."}, {".proj_attn.", ".to_out.0."}}};
  std::string current = name;
  for (const auto& [old_segment, new_segment] : kSegments) {
    current = replaced_segment(current, old_segment, new_segment);
  }
  return current;
}

}  // namespace streamdiffusion
