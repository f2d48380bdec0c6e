#include "server/server_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace streamdiffusion::bench {

namespace {

std::string read_line(int descriptor) {
  std::string line;
  for (char c = 0; read(descriptor, &c, 1) == 1 && c != '\n';) {
    line += c;
  }
  return line;
}

pid_t start(const std::string& program, const std::vector<std::string>& options, int output) {
  std::vector<std::string> words = {program, "serve", "--port", "0"};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw std::runtime_error("cannot start " + program);
  }
  return pid;
}

}  // namespace

ServerProcess::ServerProcess(const std::string& program, const std::vector<std::string>& options) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe");
  }
  output_ = ends[0];
  pid_ = start(program, options, ends[1]);
  close(ends[1]);
  const std::string url = read_line(output_);
  const std::size_t colon = url.rfind(':');
  if (!url.starts_with("http") || colon == std::string::npos) {
    stop();
    close(output_);
    throw std::runtime_error("the server did not start; its messages are above");
  }
  port_ = std::stoi(url.substr(colon + 1));
}

ServerProcess::~ServerProcess() {
  stop();
  close(output_);
}

std::size_t ServerProcess::resident_bytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

int ServerProcess::descriptors() const {
  const std::filesystem::directory_iterator files("/proc/" + std::to_string(pid_) + "/fd");
  return static_cast<int>(std::distance(begin(files), end(files)));
}

int ServerProcess::stop() {
  if (pid_ == 0) {
    return 0;
  }
  const pid_t pid = std::exchange(pid_, 0);
  kill(pid, SIGTERM);
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace streamdiffusion::bench
