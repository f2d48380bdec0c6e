#include "posix/child.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <utility>

#include "streamdiffusion/error.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): not every system has it

namespace streamdiffusion::posix {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One end of a pipe, closed with the object.
class PipeEnd {
 public:
  explicit PipeEnd(int descriptor) : descriptor_(descriptor) {}
  ~PipeEnd() { close(); }
  PipeEnd(const PipeEnd&) = delete;
  PipeEnd& operator=(const PipeEnd&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  void close() {
    if (descriptor_ >= 0) {
      ::close(std::exchange(descriptor_, -1));
    }
  }

 private:
  int descriptor_;
};

/// Returns a running process's peak resident memory in bytes. wait4 is no alternative, because its value
/// includes the parent's memory at the fork.
std::size_t peak_resident(pid_t pid) {
  std::ifstream lines("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("VmHWM:")) {
      return std::stoull(line.substr(line.find(':') + 1)) * 1024;
    }
  }
  return 0;
}

/// Starts the program with the descriptor `output` as its standard output.
pid_t spawn(const std::filesystem::path& program, const std::vector<std::string>& arguments, int output) {
  std::vector<std::string> words = {program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw SystemError("cannot start " + program.string() + ": " + std::strerror(error));
  }
  return pid;
}

}  // namespace

ChildRun run_child(const std::filesystem::path& program, const std::vector<std::string>& arguments) {
  constexpr int kLookEvery = 5;  // milliseconds
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw SystemError(std::string("no pipe: ") + std::strerror(errno));
  }
  const PipeEnd reading(ends[0]);
  PipeEnd writing(ends[1]);
  const Clock::time_point start = Clock::now();
  const pid_t pid = spawn(program, arguments, writing.descriptor());
  writing.close();
  ChildRun run;
  std::array<char, 1 << 16> buffer{};
  for (bool open = true; open;) {
    pollfd waiting{.fd = reading.descriptor(), .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, kLookEvery) != 0) {
      open = read(reading.descriptor(), buffer.data(), buffer.size()) > 0;
      if (open && run.seconds_to_output == 0) {
        run.seconds_to_output = seconds_since(start);
      }
    }
    run.peak_resident = std::max(run.peak_resident, peak_resident(pid));
  }
  int status = 0;
  waitpid(pid, &status, 0);
  run.seconds = seconds_since(start);
  run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return run;
}

}  // namespace streamdiffusion::posix
