#include "hub/checksum.h"

#include <openssl/evp.h>

#include <array>
#include <string_view>

#include "streamdiffusion/error.h"

namespace streamdiffusion::hub {
namespace {

EVP_MD_CTX* as_context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

void check(int done) {
  if (done != 1) {
    throw HubError("the cryptography library (libcrypto) cannot compute checksums here");
  }
}

}  // namespace

void Checksum::Free::operator()(void* context) const { EVP_MD_CTX_free(as_context(context)); }

Checksum::Checksum(std::size_t digits, std::int64_t size) : context_(EVP_MD_CTX_new()) {
  constexpr std::size_t kSha256Digits = 64;
  const bool sha256 = digits == kSha256Digits;
  check(EVP_DigestInit_ex(as_context(context_.get()), sha256 ? EVP_sha256() : EVP_sha1(), nullptr));
  if (!sha256) {
    const std::string header = "blob " + std::to_string(size);
    add(std::as_bytes(std::span(header.c_str(), header.size() + 1)));  // with the terminating zero
  }
}

void Checksum::add(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(as_context(context_.get()), bytes.data(), bytes.size()));
}

std::string Checksum::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  check(EVP_DigestFinal_ex(as_context(context_.get()), digest.data(), &size));
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : std::span(digest).first(size)) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

}  // namespace streamdiffusion::hub
