#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace streamdiffusion::bench {

/// `streamdiffusion serve` as a child on a port of its own; ends with this.
class ServerProcess {
 public:
  /// Returns when it serves. Throws std::runtime_error where it does not start.
  ServerProcess(const std::string& program, const std::vector<std::string>& options);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::size_t resident_bytes() const;
  [[nodiscard]] int descriptors() const;
  /// Tells it to stop; the exit status, or minus the signal that ended it.
  int stop();

 private:
  pid_t pid_ = 0;
  int output_ = -1;
  int port_ = 0;
};

}  // namespace streamdiffusion::bench
