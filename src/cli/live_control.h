#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/console.h"
#include "control/line_editor.h"
#include "control/live_settings.h"
#include "control/watched_file.h"
#include "posix/descriptor.h"
#include "posix/terminal.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::cli {

/// Changes a running stream by the lines that its user types and by a file that is watched.
class LiveControl {
 public:
  struct Inputs {
    bool lines = false;  ///< from standard input
    std::string file;    ///< empty: none
  };

  /// Reads the file, where it is there. `settings`: those to begin with.
  LiveControl(const Settings& settings, const Inputs& inputs, const Console& console);

  /// What the stream is to begin with.
  [[nodiscard]] Settings settings() const { return settings_.newest(); }
  /// Sees what was typed and whether the file is new; to be called often.
  void look();
  /// What has been typed of the next line, where this object shows it in place of the terminal.
  [[nodiscard]] std::optional<std::string> typed() const;
  /// Gives the stream the newest settings; to be called on its thread, between two steps.
  void change(Stream& stream);

 private:
  void look_at_file();
  void look_at_lines();
  void take_line(const std::string& line);
  void apply(const nlohmann::json& fields);
  void refuse(const std::string& reason) const;

  Console console_;
  LiveSettings settings_;
  std::optional<WatchedFile> file_;
  std::optional<posix::Descriptor> lines_;
  std::unique_ptr<posix::KeyByKey> keys_;
  LineEditor editor_;
};

}  // namespace streamdiffusion::cli
