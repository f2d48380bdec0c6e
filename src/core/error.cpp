#include "streamdiffusion/error.h"

namespace streamdiffusion {

const char* to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::other:
      return "other";
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::invalid_prompt:
      return "invalid_prompt";
    case ErrorCode::invalid_file:
      return "invalid_file";
    case ErrorCode::media:
      return "media";
    case ErrorCode::hub:
      return "hub";
    case ErrorCode::system:
      return "system";
    case ErrorCode::out_of_memory:
      return "out_of_memory";
    case ErrorCode::device:
      return "device";
    case ErrorCode::device_lost:
      return "device_lost";
    case ErrorCode::cancelled:
      return "cancelled";
  }
  return "unknown";
}

}  // namespace streamdiffusion
