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

/// Changes a running stream by lines that the user types and by a watched file. Not thread-safe, but `change`
/// may be called on another thread.
class LiveControl {
 public:
  struct Inputs {
    bool lines = false;  ///< Read lines from standard input.
    std::string file;    ///< JSON file to watch; empty: none.
  };

  /// Begins with `settings`, changed by the watched file if it exists.
  LiveControl(const Settings& settings, const Inputs& inputs, const Console& console);

  /// The newest settings; before the first step, those that the stream begins with.
  [[nodiscard]] Settings settings() const { return settings_.newest(); }
  /// Reads what was typed and the file if it changed. Call it several times a second.
  void poll();
  /// The unfinished line, if this object reads single keys so that the caller must show them.
  [[nodiscard]] std::optional<std::string> typed() const;
  /// Gives the stream the newest settings. Call it on the stream's thread between two steps.
  void change(Stream& stream);

 private:
  void poll_file();
  void poll_lines();
  void take_line(const std::string& line);
  void apply(const nlohmann::json& fields);
  void refuse(const std::string& reason) const;

  Console console_;
  LiveSettings settings_;
  std::optional<WatchedFile> file_;
  std::optional<posix::Descriptor> lines_;
  std::unique_ptr<posix::CharacterModeTerminal> keys_;
  LineEditor editor_;
};

}  // namespace streamdiffusion::cli
