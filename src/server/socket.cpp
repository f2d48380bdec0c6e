#include "server/socket.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace streamdiffusion::server {

namespace {

// How long and how much of a refused request is read, so that the client sees the answer before the
// connection ends: several of the largest messages.
constexpr std::chrono::seconds kLinger{2};
constexpr std::size_t kLingerBytes = 64 << 20;

}  // namespace

Socket::Socket(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls) {
  if (tls != nullptr) {
    tls_ = std::make_unique<Tls>(Tcp(std::move(socket)), *tls);
  } else {
    tcp_ = std::make_unique<Tcp>(std::move(socket));
  }
}

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

void Socket::read_some(const BufferArray<boost::asio::mutable_buffer>& buffers, Handler handler) {
  tls_ ? tls_->async_read_some(buffers, std::move(handler))
       : tcp_->async_read_some(buffers, std::move(handler));
}

void Socket::write_some(const BufferArray<boost::asio::const_buffer>& buffers, Handler handler) {
  tls_ ? tls_->async_write_some(buffers, std::move(handler))
       : tcp_->async_write_some(buffers, std::move(handler));
}

}  // namespace streamdiffusion::server
