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

#include "server/event.h"
#include "server/session_output.h"

namespace streamdiffusion::server {

/// What the engine has for one client, until the network has taken it. A slow client costs bounded memory: of
/// a stream's pictures only the newest waits, and who sends without reading is no longer read from
/// (`is_crowded`).
class Outbox : public SessionOutput, public std::enable_shared_from_this<Outbox> {
 public:
  explicit Outbox(const boost::asio::any_io_executor& executor) : executor_(executor), filled_(executor) {}

  /// From any thread.
  void send(std::string message) override;
  void send(FrameAnswer answer) override;

  using Item = std::variant<std::string, FrameAnswer>;

  // On the executor's thread:
  std::optional<Item> take();
  boost::asio::awaitable<bool> wait(std::chrono::steady_clock::duration longest) {
    return filled_.wait(longest);
  }
  void wake() { filled_.set(); }
  [[nodiscard]] bool is_crowded() const;

 private:
  void put(Item item);

  boost::asio::any_io_executor executor_;
  Event filled_;
  mutable std::mutex mutex_;
  std::deque<Item> items_;
};

}  // namespace streamdiffusion::server
