#include "posix/descriptor.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "streamdiffusion/error.h"

namespace streamdiffusion::posix {
namespace {

[[noreturn]] void fail(const std::string& what) {
  const std::error_code reason(errno, std::generic_category());
  throw SystemError(what + ": " + reason.message());
}

}  // namespace

Descriptor Descriptor::standard_input() { return {STDIN_FILENO, false}; }

Descriptor::Descriptor(const std::filesystem::path& file)
    : descriptor_(open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)), owned_(true) {
  if (descriptor_ < 0) fail("cannot read " + file.string());
}

Descriptor::~Descriptor() {
  if (owned_) close(descriptor_);
}

Descriptor::Descriptor(Descriptor&& other) noexcept
    : descriptor_(other.descriptor_), owned_(std::exchange(other.owned_, false)) {}

bool Descriptor::wait(std::chrono::milliseconds time) const {
  pollfd poll_for{descriptor_, POLLIN, 0};
  return poll(&poll_for, 1, static_cast<int>(time.count())) > 0;
}

std::optional<std::size_t> Descriptor::read(std::span<char> bytes) const {
  const ssize_t count = ::read(descriptor_, bytes.data(), bytes.size());
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return std::nullopt;
  fail("cannot read");
}

}  // namespace streamdiffusion::posix
