#include "server/socket.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace streamdiffusion::server {

boost::asio::awaitable<void> Socket::handshake() {
  if (tls_) {
    co_await tls_->async_handshake(boost::asio::ssl::stream_base::server, boost::asio::use_awaitable);
  }
}

boost::asio::awaitable<void> Socket::shut_down() {
  boost::system::error_code ignored;
  if (tls_) {
    co_await tls_->async_shutdown(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
  tcp().socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
}

}  // namespace streamdiffusion::server
