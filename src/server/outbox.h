#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "server/coroutine_flag.h"
#include "server/session_output.h"

namespace streamdiffusion::server {

/// The queue of messages and answers from the engine to one client. Its memory is bounded for slow clients.
/// Only the newest of a stream's frames waits; older ones become `dropped` answers. While `is_crowded`, the
/// network thread reads nothing more from the client.
class Outbox : public SessionOutput, public std::enable_shared_from_this<Outbox> {
 public:
  explicit Outbox(const boost::asio::any_io_executor& executor) : executor_(executor), filled_(executor) {}

  /// Queues a message. May be called from any thread, as may the other `send`.
  void send(std::string message) override;
  void send(FrameAnswer answer) override;

  using Item = std::variant<std::string, FrameAnswer>;

  // The functions below are called on the executor's thread.
  std::optional<Item> take();
  /// Waits for an item or for `wake`. Returns false if neither comes within `longest`.
  boost::asio::awaitable<bool> wait(std::chrono::steady_clock::duration longest) {
    return filled_.wait(longest);
  }
  void wake() { filled_.set(); }
  [[nodiscard]] bool is_crowded() const;

 private:
  void put(Item item);

  boost::asio::any_io_executor executor_;
  CoroutineFlag filled_;
  mutable std::mutex mutex_;
  std::deque<Item> items_;
};

}  // namespace streamdiffusion::server
