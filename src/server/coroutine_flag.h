#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace streamdiffusion::server {

/// A flag that one coroutine waits for and another one on the same thread sets.
class CoroutineFlag {
 public:
  explicit CoroutineFlag(const boost::asio::any_io_executor& executor) : timer_(executor) {}

  void set() {
    is_set_ = true;
    timer_.cancel();
  }

  /// Waits until the flag is set and clears it. Returns false if it is still not set after `longest`.
  boost::asio::awaitable<bool> wait(std::chrono::steady_clock::duration longest) {
    if (!is_set_) {
      timer_.expires_after(longest);
      boost::system::error_code cancelled;
      co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
    }
    co_return std::exchange(is_set_, false);
  }

 private:
  boost::asio::steady_timer timer_;
  bool is_set_ = false;
};

}  // namespace streamdiffusion::server
