#pragma once

#include <string>
#include <utility>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

/// Thrown for a prompt that the model cannot use.
class PromptError : public Error {
 public:
  explicit PromptError(const std::string& message, std::string parameter = "prompt")
      : Error(message), parameter_(std::move(parameter)) {}
  /// "prompt" (for Parameters::prompts too) or "negative_prompt".
  [[nodiscard]] const std::string& parameter() const { return parameter_; }

 private:
  std::string parameter_;
};

}  // namespace streamdiffusion
