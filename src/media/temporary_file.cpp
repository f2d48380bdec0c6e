#include "media/temporary_file.h"

#include <cerrno>
#include <fstream>
#include <random>
#include <string>
#include <system_error>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;

/// Follows symbolic links, so that the target is replaced and not the link.
fs::path resolve(const fs::path& target) {
  return fs::is_symlink(fs::symlink_status(target)) ? fs::weakly_canonical(target) : target;
}

fs::path temporary_name(const fs::path& target) {
  std::string name = ".";
  name += target.stem().string() + ".partial-" + std::to_string(std::random_device()());
  name += target.extension().string();
  return target.parent_path() / name;
}

}  // namespace

TemporaryFile::TemporaryFile(const fs::path& target) : target_(resolve(target)) {
  const fs::path folder = target_.has_parent_path() ? target_.parent_path() : fs::path(".");
  if (!fs::is_directory(folder)) {
    throw MediaError("cannot write " + target.string() + ": there is no folder " + folder.string());
  }
  const fs::file_status status = fs::status(target_);
  if (fs::is_directory(status)) throw MediaError("cannot write " + target.string() + ": it is a folder");
  pending_ = !fs::exists(status) || fs::is_regular_file(status);
  path_ = pending_ ? temporary_name(target_) : target_;
}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  if (pending_) fs::remove(path_, ignored);
}

void TemporaryFile::commit() {
  if (!pending_) return;
  std::error_code failure;
  fs::rename(path_, target_, failure);
  if (failure) throw MediaError("cannot write " + target_.string() + ": " + failure.message());
  pending_ = false;
}

void write_file(const fs::path& file, std::span<const std::uint8_t> bytes) {
  TemporaryFile temporary(file);
  std::ofstream stream(temporary.path(), std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) {
    const std::error_code reason(errno, std::generic_category());
    throw MediaError("cannot write " + file.string() + ": " + reason.message());
  }
  temporary.commit();
}

}  // namespace streamdiffusion
