#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "streamdiffusion/export.h"

namespace streamdiffusion {

/// The kind of a failure, for programs that react to it. Messages are for people.
enum class ErrorCode {
  other,             ///< No other kind fits.
  invalid_argument,  ///< An option or parameter is out of range or does not fit the model or stream.
  invalid_prompt,    ///< A prompt cannot be used, for example because of a malformed LoRA tag.
  invalid_file,      ///< A model file, LoRA or embedding is missing, malformed or not supported.
  media,             ///< An image, video, camera or window cannot be opened, read or written.
  hub,               ///< A model is not on the hub, or cannot be downloaded.
  system,            ///< The operating system refused something, such as reading a file.
  out_of_memory,     ///< The memory of the computer or of the device does not suffice.
  device,            ///< The compute device is missing or cannot be used.
  device_lost,       ///< The compute device failed and cannot be used in this process any more.
  cancelled,         ///< The caller stopped the call.
};
/// Returns the enumerator's name, such as "invalid_argument".
STREAMDIFFUSION_API const char* to_string(ErrorCode code);

/// A failure that a caller can act on: a missing or malformed file, a parameter out of range, too little
/// memory. `what()` states what is wrong, where, and what to do.
class STREAMDIFFUSION_API Error : public std::runtime_error {
 public:
  /// `message` is what `what()` returns.
  explicit Error(const std::string& message, ErrorCode code = ErrorCode::other)
      : std::runtime_error(message), code_(code) {}
  /// Returns the kind of the failure.
  [[nodiscard]] ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

/// A failure of one kind, for programs that catch it by its type.
template <ErrorCode Code>
class STREAMDIFFUSION_API ErrorOf : public Error {
 public:
  /// `message` is what `what()` returns.
  explicit ErrorOf(const std::string& message) : Error(message, Code) {}
};

/// An option or parameter is out of range or does not fit.
using ArgumentError = ErrorOf<ErrorCode::invalid_argument>;

/// The model cannot use a prompt.
class STREAMDIFFUSION_API PromptError : public Error {
 public:
  /// `parameter` is the name of the parameter that holds the prompt.
  explicit PromptError(const std::string& message, std::string parameter = "prompt")
      : Error(message, ErrorCode::invalid_prompt), parameter_(std::move(parameter)) {}
  /// Name of the parameter: "prompt" (for Parameters::prompts too) or "negative_prompt".
  [[nodiscard]] const std::string& parameter() const { return parameter_; }

 private:
  std::string parameter_;
};

/// A model file, LoRA or embedding is missing, malformed or not supported.
using FileError = ErrorOf<ErrorCode::invalid_file>;

/// An image, video, camera or window cannot be opened, read or written.
using MediaError = ErrorOf<ErrorCode::media>;

/// A model is not on the hub, or cannot be downloaded.
using HubError = ErrorOf<ErrorCode::hub>;

/// The operating system refused something.
using SystemError = ErrorOf<ErrorCode::system>;

/// The memory of the computer or of the device does not suffice.
using OutOfMemory = ErrorOf<ErrorCode::out_of_memory>;

/// The compute device is missing or cannot be used.
using DeviceError = ErrorOf<ErrorCode::device>;

/// The compute device is lost for this process, because a GPU failed or was removed. Every later call fails
/// too, so the program has to be restarted.
using DeviceLost = ErrorOf<ErrorCode::device_lost>;

/// The caller stopped the call.
using Cancelled = ErrorOf<ErrorCode::cancelled>;

}  // namespace streamdiffusion
