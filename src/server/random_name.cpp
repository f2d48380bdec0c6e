#include "server/random_name.h"

#include <openssl/rand.h>

#include <array>
#include <string_view>

#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

std::string random_name() {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw Error("the system gives no random numbers");
  }
  std::string name;
  for (const unsigned char byte : bytes) {
    name += kLetters[byte % kLetters.size()];
  }
  return name;
}

}  // namespace streamdiffusion::server
