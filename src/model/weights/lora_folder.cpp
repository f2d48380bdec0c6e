#include "model/weights/lora_folder.h"

#include <algorithm>
#include <cstddef>
#include <system_error>
#include <vector>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNamesShown = 10;
constexpr std::size_t kMostEntries = 100'000;  // of a folder that is searched; more is a wrong folder

std::vector<fs::path> lora_files(const fs::path& folder) {
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, error);
  std::vector<fs::path> files;
  for (std::size_t count = 0; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (++count > kMostEntries) {
      throw Error(folder.string() + " has more than " + std::to_string(kMostEntries) +
                  " files; give a folder that holds LoRAs");
    }
    std::error_code ignored;
    if (entry->path().extension() == ".safetensors" && entry->is_regular_file(ignored)) {
      files.push_back(entry->path());
    }
  }
  if (error) {
    throw Error(folder.string() + ": the folder of LoRAs cannot be read: " + error.message());
  }
  std::ranges::sort(files);
  return files;
}

std::string names_of(const std::vector<fs::path>& files) {
  std::string names;
  for (std::size_t i = 0; i < std::min(files.size(), kNamesShown); ++i) {
    names += (i > 0 ? ", " : "") + files[i].stem().string();
  }
  return files.empty() ? "it has none" : "it has " + names + (files.size() > kNamesShown ? ", ..." : "");
}

}  // namespace

fs::path find_lora(const fs::path& folder, const std::string& name) {
  const std::vector<fs::path> files = lora_files(folder);
  const auto name_within = [&folder](const fs::path& file) {
    return file.lexically_relative(folder).replace_extension().generic_string();
  };
  std::vector<fs::path> found;
  for (const fs::path& file : files) {
    if (name_within(file) == name) {
      return file;
    }
    if (file.stem().string() == name) {
      found.push_back(file);
    }
  }
  // Those who write prompts need not be those who know the machine: names, no whole paths.
  if (found.empty()) {
    throw Error("there is no LoRA \"" + name + "\" in the folder of LoRAs; " + names_of(files));
  }
  if (found.size() > 1) {
    throw Error("there are several LoRAs \"" + name + "\": write <lora:" + name_within(found[0]) +
                ":1> or <lora:" + name_within(found[1]) + ":1>");
  }
  return found.front();
}

}  // namespace streamdiffusion
