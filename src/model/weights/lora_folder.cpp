#include "model/weights/lora_folder.h"

#include <algorithm>
#include <cstddef>
#include <system_error>
#include <utility>
#include <vector>

#include "model/text/prompt_text.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNamesShown = 10;
constexpr std::size_t kMostEntries = 100'000;  // a folder with more entries is not one of LoRAs

/// Collects the .safetensors files of a folder and its subfolders, following links.
class LoraFiles {
 public:
  explicit LoraFiles(const fs::path& folder) : folder_(folder) {
    std::error_code error;
    search(folder, error);
    if (error) {
      throw FileError(folder.string() + ": the folder of LoRAs cannot be read: " + error.message());
    }
    std::ranges::sort(files_);
  }

  [[nodiscard]] std::vector<fs::path> take() { return std::move(files_); }

 private:
  void search(const fs::path& folder, std::error_code& error) {
    const fs::path real = fs::canonical(folder, error);
    if (error || std::ranges::find(inside_of_, real) != inside_of_.end()) {
      return;  // a link to a folder above leads nowhere new
    }
    inside_of_.push_back(real);
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      add(*entry);
    }
    inside_of_.pop_back();
  }

  void add(const fs::directory_entry& entry) {
    if (++entries_ > kMostEntries) {
      throw FileError(folder_.string() + " has more than " + std::to_string(kMostEntries) +
                      " files; give a folder that holds LoRAs");
    }
    std::error_code ignored;  // set for an unreadable subfolder or a broken link
    if (entry.is_directory(ignored)) {
      search(entry.path(), ignored);
    } else if (entry.path().extension() == ".safetensors" && entry.is_regular_file(ignored)) {
      files_.push_back(entry.path());
    }
  }

  const fs::path& folder_;
  std::vector<fs::path> files_;
  std::vector<fs::path> inside_of_;  // folders on the path to the current one, with links resolved
  std::size_t entries_ = 0;
};

bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
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
  const std::vector<fs::path> files = LoraFiles(folder).take();
  const std::string sought = compose(name);
  const auto name_within = [&folder](const fs::path& file) {
    return file.lexically_relative(folder).replace_extension().generic_string();
  };
  std::vector<fs::path> found;
  for (const fs::path& file : files) {
    if (compose(name_within(file)) == sought) {
      return file;
    }
    if (compose(file.stem().string()) == sought && (found.empty() || !is_same_file(file, found.front()))) {
      found.push_back(file);
    }
  }
  // Prompts may come from strangers, such as the server's clients. Messages contain names and no whole paths.
  if (found.empty()) {
    throw PromptError("there is no LoRA \"" + name + "\" in the folder of LoRAs; " + names_of(files));
  }
  if (found.size() > 1) {
    throw PromptError("there are several LoRAs \"" + name + "\": write <lora:" + name_within(found[0]) +
                      ":1> or <lora:" + name_within(found[1]) + ":1>");
  }
  return found.front();
}

}  // namespace streamdiffusion
