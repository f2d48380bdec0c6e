#include "posix/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "streamdiffusion/error.h"

namespace streamdiffusion::posix {
namespace {

constexpr mode_t kShared = 0664;  // so that a group can share a cache

/// True if the path still refers to the opened file. The previous holder of the lock may have deleted it.
bool is_current(int descriptor, const std::filesystem::path& file) {
  struct stat opened {};
  struct stat there {};
  return ::fstat(descriptor, &opened) == 0 && ::stat(file.c_str(), &there) == 0 &&
         opened.st_ino == there.st_ino && opened.st_dev == there.st_dev;
}

}  // namespace

std::optional<FileLock> FileLock::try_lock(const std::filesystem::path& file) {
  const int opened = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kShared);
  if (opened < 0) {
    throw SystemError(file.string() + ": cannot be made: " + std::generic_category().message(errno));
  }
  FileLock lock(opened);
  // Other errors (ENOLCK, ENOSYS) mean that the file system has no locks. Then no process can hold one.
  if (::flock(opened, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return std::nullopt;
  }
  if (!is_current(opened, file)) {
    return std::nullopt;
  }
  return lock;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

}  // namespace streamdiffusion::posix
