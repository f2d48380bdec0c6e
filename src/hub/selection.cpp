#include "hub/selection.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

#include "model/files/tensor_files.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::hub {
namespace {

using Files = std::vector<RemoteFile>;
using FilePredicate = std::function<bool(const RemoteFile&)>;

constexpr std::string_view kSafetensors = ".safetensors";
constexpr std::size_t kNamed = 8;  // most files that a message names

const RemoteFile* find(const Files& files, const std::string& path) {
  const auto found = std::ranges::find(files, path, &RemoteFile::path);
  return found == files.end() ? nullptr : &*found;
}

std::string_view folder_of(const RemoteFile& file) {
  const std::size_t slash = file.path.rfind('/');
  return std::string_view(file.path).substr(0, slash == std::string::npos ? 0 : slash);
}

std::string_view name_of(const RemoteFile& file) {
  return std::string_view(file.path).substr(file.path.rfind('/') + 1);
}

Files list_folder(const Files& files, std::string_view folder) {
  Files found;
  std::ranges::copy_if(files, std::back_inserter(found),
                       [folder](const RemoteFile& file) { return folder_of(file) == folder; });
  return found;
}

/// Removes a shard number such as "-00001-of-00002" from a name. Returns nothing if there is none.
std::optional<std::string> remove_shard_number(std::string_view name) {
  constexpr std::string_view kForm = "-00000-of-00000";
  for (std::size_t at = 0; at + kForm.size() <= name.size(); ++at) {
    const std::string_view part = name.substr(at, kForm.size());
    if (std::ranges::equal(part, kForm, [](unsigned char is, char form) {
          return form == '0' ? std::isdigit(is) != 0 : is == static_cast<unsigned char>(form);
        })) {
      return std::string(name.substr(0, at)).append(name.substr(at + kForm.size()));
    }
  }
  return std::nullopt;
}

/// Returns the index of one variant ("", ".fp16", ".bf16") and its shards, or nothing unless both exist.
Files shards_of(const Files& files, const std::string& stem, const std::string& variant) {
  const std::string whole = stem + variant + std::string(kSafetensors);
  const std::string index = stem + std::string(kSafetensors) + ".index" + variant + ".json";
  bool has_index = false;
  Files found;
  for (const RemoteFile& file : files) {
    has_index = has_index || name_of(file) == index;
    if (name_of(file) == index || remove_shard_number(name_of(file)) == whole) {
      found.push_back(file);
    }
  }
  return has_index && found.size() > 1 ? found : Files();
}

/// Returns the weights of one variant, as TensorFiles::open does: one file, or the index and its shards.
Files weights_of(const Files& files, const std::string& stem, const std::string& variant) {
  const std::string whole = stem + variant + std::string(kSafetensors);
  Files one;
  std::ranges::copy_if(files, std::back_inserter(one),
                       [&](const RemoteFile& file) { return name_of(file) == whole; });
  Files shards = shards_of(files, stem, variant);
  const bool takes_shards = !shards.empty() && (one.empty() || prefers_shards(stem));
  return takes_shards ? shards : one;
}

[[noreturn]] void throw_no_weights(const Files& files, const std::string& where) {
  const auto pickled = std::ranges::find_if(files, [](const RemoteFile& file) {
    constexpr std::array<std::string_view, 5> kPickles = {".bin", ".ckpt", ".pt", ".pth", ".pkl"};
    return std::ranges::any_of(kPickles,
                               [&](std::string_view ending) { return file.path.ends_with(ending); });
  });
  if (pickled != files.end()) {
    throw HubError(where + ": has its weights as a pickle alone (" + pickled->path +
                   "), which can run any code and is never read; look for a repository with .safetensors");
  }
  throw HubError(where + ": has no .safetensors weights that can be used");
}

/// Returns the first variant that `is_there`, else the first that exists: fp16, no suffix, bf16.
Files choose_weights(const Files& folder, const std::string& stem, const FilePredicate& is_there,
                     const std::string& where) {
  Files chosen;
  for (const std::string variant : {".fp16", "", ".bf16"}) {
    Files weights = weights_of(folder, stem, variant);
    if (weights.empty()) {
      continue;
    }
    if (std::ranges::all_of(weights, is_there)) {
      return weights;
    }
    if (chosen.empty()) {
      chosen = std::move(weights);
    }
  }
  if (chosen.empty()) {
    throw_no_weights(folder, where);
  }
  return chosen;
}

void append(Files& files, const Files& more) { files.insert(files.end(), more.begin(), more.end()); }

/// Returns a component's configuration and weights.
Files select_component(const Files& all, const std::string& folder, const std::string& stem,
                       const FilePredicate& is_there, const std::string& where) {
  const Files files = list_folder(all, folder);
  Files chosen = choose_weights(files, stem, is_there, where + (folder.empty() ? "" : "/" + folder));
  if (const RemoteFile* const config =
          find(files, folder.empty() ? "config.json" : folder + "/config.json")) {
    chosen.push_back(*config);
  }
  return chosen;
}

/// Returns the JSON and text files of a component without weights (scheduler, tokenizer).
Files select_texts(const Files& all, const std::string& folder) {
  Files chosen;
  for (const RemoteFile& file : list_folder(all, folder)) {
    if (file.path.ends_with(".json") || file.path.ends_with("/merges.txt")) {
      chosen.push_back(file);
    }
  }
  return chosen;
}

Selection select_diffusers_folder(const Files& all, const FilePredicate& is_there, const std::string& where) {
  Selection selection;
  selection.files.push_back(*find(all, "model_index.json"));
  append(selection.files, select_texts(all, "scheduler"));
  append(selection.files, select_texts(all, "tokenizer"));
  append(selection.files, select_component(all, "text_encoder", "model", is_there, where));
  append(selection.files, select_component(all, "unet", "diffusion_pytorch_model", is_there, where));
  append(selection.files, select_component(all, "vae", "diffusion_pytorch_model", is_there, where));
  return selection;
}

/// Selects one file and the adapter_config.json beside it, which holds the scaling of peft's adapters.
Selection select_single_file(const RemoteFile& file, const Files& all) {
  Selection selection{.files = {file}, .path_to_open = file.path};
  const std::size_t folder = file.path.rfind('/') + 1;  // 0 for the root
  if (const RemoteFile* const config = find(all, file.path.substr(0, folder) + "adapter_config.json")) {
    selection.files.push_back(*config);
  }
  return selection;
}

Files list_safetensors_of_root(const Files& all) {
  Files found;
  std::ranges::copy_if(list_folder(all, ""), std::back_inserter(found),
                       [](const RemoteFile& file) { return file.path.ends_with(kSafetensors); });
  return found;
}

/// Selects the only safetensors file of a repository's root, or the one with the usual name of a LoRA.
Selection select_only_file(const Files& all, const std::string& where, Purpose purpose) {
  const Files root = list_folder(all, "");
  if (const RemoteFile* const lora = find(root, "pytorch_lora_weights.safetensors");
      lora != nullptr && purpose != Purpose::autoencoder) {
    return select_single_file(*lora, all);
  }
  const Files found = list_safetensors_of_root(all);
  if (found.size() == 1) {
    return select_single_file(found.front(), all);
  }
  if (found.empty()) {
    throw_no_weights(root, where);
  }
  std::string names;
  for (std::size_t i = 0; i < std::min(found.size(), kNamed); ++i) {
    names += (i > 0 ? ", " : "") + found[i].path;
  }
  throw HubError(where + ": holds several files (" + names + (found.size() > kNamed ? ", ..." : "") +
                 "); name one: " + where + "/" + found.front().path);
}

/// Selects a diffusers folder. If its weights are pickles, selects the only safetensors file beside it.
Selection select_model(const Files& all, const FilePredicate& is_there, const std::string& where) {
  try {
    return select_diffusers_folder(all, is_there, where);
  } catch (const Error&) {
    const Files root = list_safetensors_of_root(all);
    if (root.size() != 1) {
      throw;
    }
    return select_single_file(root.front(), all);
  }
}

/// True if the repository is a single component with its configuration, such as an autoencoder.
bool is_component(const Files& files) {
  return find(files, "config.json") != nullptr &&
         std::ranges::any_of(list_folder(files, ""), [](const RemoteFile& file) {
           return name_of(file).starts_with("diffusion_pytorch_model");
         });
}

}  // namespace

Selection select_files(const Files& files, const Repository& repository, Purpose purpose,
                       const FilePredicate& is_there) {
  const std::string where = repository.id();
  if (!repository.file.empty()) {
    if (const RemoteFile* const file = find(files, repository.file)) {
      return select_single_file(*file, files);
    }
    throw HubError(where + ": has no file " + repository.file + " at revision " + repository.revision);
  }
  const bool folder = find(files, "model_index.json") != nullptr;
  if (folder && purpose == Purpose::model) {
    return select_model(files, is_there, where);
  }
  if (folder && purpose == Purpose::autoencoder) {
    return {.files = select_component(files, "vae", "diffusion_pytorch_model", is_there, where),
            .path_to_open = "vae"};
  }
  if (purpose != Purpose::lora && is_component(files)) {
    return {.files = select_component(files, "", "diffusion_pytorch_model", is_there, where),
            .path_to_open = ""};
  }
  return select_only_file(files, where, purpose);
}

}  // namespace streamdiffusion::hub
