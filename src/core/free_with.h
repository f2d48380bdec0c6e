#pragma once

namespace streamdiffusion {

/// Deleter for std::unique_ptr that frees an object by a C library's function:
/// `std::unique_ptr<CURL, FreeWith<curl_easy_cleanup>>`.
template <auto kFree>
struct FreeWith {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};

}  // namespace streamdiffusion
