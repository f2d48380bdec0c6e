#include "capi/errors.h"

#include <cstring>
#include <new>
#include <string>

#include "capi/structs.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::capi {

namespace {

sd_status status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return SD_INVALID_ARGUMENT;
    case ErrorCode::invalid_prompt:
      return SD_INVALID_PROMPT;
    case ErrorCode::invalid_file:
      return SD_INVALID_FILE;
    case ErrorCode::system:
      return SD_SYSTEM;
    case ErrorCode::out_of_memory:
      return SD_OUT_OF_MEMORY;
    case ErrorCode::device:
      return SD_DEVICE;
    case ErrorCode::device_lost:
      return SD_DEVICE_LOST;
    case ErrorCode::cancelled:
      return SD_CANCELLED;
    case ErrorCode::media:
    case ErrorCode::hub:
    case ErrorCode::other:
      break;
  }
  return SD_OTHER;
}

sd_status write(sd_status status, const char* message, sd_error* error) {
  if (error != nullptr) {
    error->status = status;
    const std::size_t length = cut_length(message, sizeof error->message - 1);
    std::memcpy(error->message, message, length);
    error->message[length] = '\0';
  }
  return status;
}

}  // namespace

sd_status report(std::exception_ptr exception, sd_error* error) noexcept {
  try {
    std::rethrow_exception(std::move(exception));
  } catch (const Error& failure) {
    return write(status_of(failure.code()), failure.what(), error);
  } catch (const std::bad_alloc&) {
    return write(SD_OUT_OF_MEMORY, "out of memory; use a smaller size, batch or model", error);
  } catch (const std::exception& failure) {
    return write(SD_OTHER, failure.what(), error);
  } catch (...) {
    return write(SD_OTHER, "unknown failure", error);
  }
}

void require(const void* pointer, const char* name) {
  if (pointer == nullptr) {
    throw ArgumentError(std::string(name) + " is NULL");
  }
}

}  // namespace streamdiffusion::capi

const char* sd_status_text(sd_status status) {
  switch (status) {
    case SD_OK:
      return "ok";
    case SD_OTHER:
      return "failure";
    case SD_INVALID_ARGUMENT:
      return "invalid argument";
    case SD_INVALID_PROMPT:
      return "invalid prompt";
    case SD_INVALID_FILE:
      return "invalid file";
    case SD_SYSTEM:
      return "system failure";
    case SD_OUT_OF_MEMORY:
      return "out of memory";
    case SD_DEVICE:
      return "device unusable";
    case SD_DEVICE_LOST:
      return "device lost";
    case SD_CANCELLED:
      return "cancelled";
  }
  return "unknown status";
}
