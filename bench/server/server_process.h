#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace streamdiffusion::bench {

/// Runs `streamdiffusion serve` as a child process on a free port. The destructor stops it.
class ServerProcess {
 public:
  /// Starts the server and waits until it serves. Throws std::runtime_error if it does not start.
  ServerProcess(const std::string& program, const std::vector<std::string>& options);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::size_t resident_bytes() const;
  [[nodiscard]] int descriptors() const;
  /// Stops the server. Returns its exit status, or the negated number of the signal that ended it.
  int stop();

 private:
  pid_t pid_ = 0;
  int output_ = -1;
  int port_ = 0;
};

}  // namespace streamdiffusion::bench
