#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Tells the user of problems of an input: as warnings, or as Error if the options are strict.
class ProblemReport {
 public:
  explicit ProblemReport(const SourceOptions& options);

  /// The input's name in messages.
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Warns of `problem`, or throws it as MediaError.
  void report(const std::string& problem) const;

 private:
  std::string name_;
  bool strict_;
  std::function<void(const std::string&)> on_warning_;
};

/// A time or duration in messages, such as "1.25 s".
std::string seconds_text(std::int64_t microseconds);

}  // namespace streamdiffusion
