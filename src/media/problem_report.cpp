#include "media/problem_report.h"

#include <cstdio>

#include "media/video_input.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

ProblemReport::ProblemReport(const SourceOptions& options)
    : name_(input_name(options.input)), strict_(options.strict), on_warning_(options.on_warning) {}

void ProblemReport::report(const std::string& problem) const {
  if (strict_) throw MediaError(problem);
  if (on_warning_) on_warning_(problem);
}

std::string seconds_text(std::int64_t microseconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f s", static_cast<double>(microseconds) / 1e6);
  return text;
}

}  // namespace streamdiffusion
