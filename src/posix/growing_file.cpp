#include "posix/growing_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include "streamdiffusion/error.h"

namespace streamdiffusion::posix {
namespace {

constexpr mode_t kByUmask = 0666;
constexpr std::size_t kPiece = std::size_t{1} << 20U;

std::string advice(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space, or keep the cache elsewhere (HF_HUB_CACHE); what has come is kept";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; make it writable, or keep the cache elsewhere (HF_HUB_CACHE)";
    default:
      return "";
  }
}

}  // namespace

GrowingFile::GrowingFile(const std::filesystem::path& file)
    : file_(file), descriptor_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kByUmask)) {
  if (descriptor_ < 0) {
    fail("cannot be made", errno);
  }
  size_ = ::lseek(descriptor_, 0, SEEK_END);
  if (size_ < 0) {
    const int error = errno;
    ::close(descriptor_);
    fail("cannot be read", error);
  }
}

GrowingFile::~GrowingFile() { ::close(descriptor_); }

void GrowingFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), size_);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      fail("cannot be written", written < 0 ? errno : EIO);
    }
    size_ += written;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void GrowingFile::clear() {
  if (::ftruncate(descriptor_, 0) != 0) {
    fail("cannot be emptied", errno);
  }
  size_ = 0;
}

void GrowingFile::read_all(const std::function<void(std::span<const std::byte>)>& take) const {
  std::vector<std::byte> piece(kPiece);
  for (std::int64_t at = 0; at < size_;) {
    const ssize_t read = ::pread(descriptor_, piece.data(), piece.size(), at);
    if (read < 0 && errno == EINTR) {
      continue;
    }
    if (read <= 0) {
      fail("cannot be read", read < 0 ? errno : EIO);
    }
    take(std::span(piece).first(static_cast<std::size_t>(read)));
    at += read;
  }
}

void GrowingFile::sync() const {
  if (::fsync(descriptor_) != 0) {
    fail("cannot be written", errno);
  }
}

void GrowingFile::fail(const char* what, int error) const {
  throw SystemError(file_.string() + ": " + what + ": " + std::generic_category().message(error) +
                    advice(error));
}

}  // namespace streamdiffusion::posix
