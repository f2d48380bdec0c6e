#include "cli/image_output.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <system_error>

#include "streamdiffusion/error.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion::cli {
namespace {

/// The path of a temporary PNG file, which is deleted with the object.
class TemporaryImage {
 public:
  TemporaryImage()
      : file_(std::filesystem::temp_directory_path() /
              ("streamdiffusion-" + std::to_string(std::random_device{}()) + ".png")) {}
  ~TemporaryImage() {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
  }
  TemporaryImage(const TemporaryImage&) = delete;
  TemporaryImage& operator=(const TemporaryImage&) = delete;

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
};

}  // namespace

void add_image_output(CLI::App& app, std::string& output) {
  app.add_option("-o,--output", output,
                 "image to write: .png, .jpg or .webp; - writes PNG to standard output")
      ->type_name("FILE")
      ->take_last();
}

void check_image_output(const std::string& output) {
  if (output == "-") {
    return;
  }
  const std::filesystem::path file = output;
  if (file.filename().empty() || std::filesystem::is_directory(file)) {
    throw Error("the output " + output + " is a folder; name a file such as " +
                (file / "image.png").string());
  }
  if (!file.has_extension()) {
    throw Error("the output " + output + " has no extension that says what to write, such as " + output +
                ".png");
  }
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  if (!std::filesystem::is_directory(folder)) {
    throw Error("the output's folder " + folder.string() + " does not exist; make it first");
  }
}

std::string numbered_name(const std::string& output, std::int64_t index, std::int64_t count) {
  if (count <= 1 || output == "-") {
    return output;
  }
  const std::filesystem::path file = output;
  std::string number = std::to_string(index + 1);
  number.insert(0, std::to_string(count).size() - number.size(), '0');
  return (file.parent_path() / (file.stem().string() + "-" + number + file.extension().string())).string();
}

void write_image_output(const std::string& output, const Frame& frame,
                        const std::map<std::string, std::string>& text) {
  if (output != "-") {
    write_image(output, frame, text);
    return;
  }
  const TemporaryImage image;
  write_image(image.file(), frame, text);
  std::cout << std::ifstream(image.file(), std::ios::binary).rdbuf() << std::flush;
  if (!std::cout) {
    throw Error("cannot write to standard output: nobody reads it, or its disk is full");
  }
}

}  // namespace streamdiffusion::cli
