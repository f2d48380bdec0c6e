#pragma once

#include <string>

namespace streamdiffusion::cli {

/// Prints messages to standard error. Standard output is for data. `quiet` suppresses all but errors.
class Console {
 public:
  explicit Console(bool quiet) : quiet_(quiet) {}

  void info(const std::string& text) const;
  void warning(const std::string& text) const;
  [[nodiscard]] bool quiet() const { return quiet_; }

  static void error(const std::string& text);

 private:
  bool quiet_;
};

}  // namespace streamdiffusion::cli
