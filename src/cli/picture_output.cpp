#include "cli/picture_output.h"

#include <filesystem>

#include "streamdiffusion/error.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion::cli {

void check_picture_output(const std::string& output) {
  if (output == "-") {
    return;
  }
  const std::filesystem::path file = output;
  if (file.filename().empty() || std::filesystem::is_directory(file)) {
    throw Error("the output " + output + " is a folder; name a file such as " +
                (file / "picture.png").string());
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

std::string numbered(const std::string& output, std::int64_t index, std::int64_t count) {
  if (count <= 1 || output == "-") {
    return output;
  }
  const std::filesystem::path file = output;
  std::string number = std::to_string(index + 1);
  number.insert(0, std::to_string(count).size() - number.size(), '0');
  return (file.parent_path() / (file.stem().string() + "-" + number + file.extension().string())).string();
}

void write_picture(const std::string& output, const Frame& frame,
                   const std::map<std::string, std::string>& text) {
  if (output != "-") {
    write_image(output, frame, text);
    return;
  }
  SinkOptions options;
  options.output = output;
  options.width = frame.width;
  options.height = frame.height;
  options.format = "image2pipe";
  options.codec = "png";
  const std::unique_ptr<Sink> sink = open_sink(options);
  sink->write(frame);
  sink->finish();
}

}  // namespace streamdiffusion::cli
