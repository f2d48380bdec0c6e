#pragma once

#include <string>

namespace streamdiffusion::cli {

/// What the program says to its user, all of it on standard error: standard output is for data.
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
