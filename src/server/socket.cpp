#include "server/socket.h"

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace streamdiffusion::server {

namespace {

constexpr std::chrono::seconds kLinger{2};
constexpr std::size_t kLingerBytes = 64 << 20;

}  // namespace

boost::asio::awaitable<void> Socket::handshake() {
  if (tls_) {
    co_await tls_->async_handshake(boost::asio::ssl::stream_base::server, boost::asio::use_awaitable);
  }
}

boost::asio::awaitable<void> Socket::shut_down() {
  boost::system::error_code error;
  tcp().expires_after(kLinger);
  if (tls_) {
    co_await tls_->async_shutdown(boost::asio::redirect_error(boost::asio::use_awaitable, error));
  }
  tcp().socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, error);
  std::array<char, 16 << 10> unread{};
  for (std::size_t size = 0; !error && size < kLingerBytes;) {
    size += co_await tcp().async_read_some(boost::asio::buffer(unread),
                                           boost::asio::redirect_error(boost::asio::use_awaitable, error));
  }
  tcp().close();
}

}  // namespace streamdiffusion::server
