#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <chrono>
#include <memory>

namespace streamdiffusion::server {

/// A connection, with TLS or without: one type, so that everything above exists once.
class Socket {
 public:
  using Tcp = boost::beast::tcp_stream;
  using Tls = boost::beast::ssl_stream<Tcp>;
  using executor_type = Tcp::executor_type;

  /// `tls` null: without. It must outlive the socket.
  Socket(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls) {
    if (tls != nullptr) {
      tls_ = std::make_unique<Tls>(Tcp(std::move(socket)), *tls);
    } else {
      tcp_ = std::make_unique<Tcp>(std::move(socket));
    }
  }

  boost::asio::awaitable<void> handshake();
  /// Ends what is sent, and waits a little for the peer to do so: a connection closed while the peer still
  /// sends is reset, and what was said last, why it is closed, is lost.
  boost::asio::awaitable<void> shut_down();

  [[nodiscard]] bool is_secure() const { return tls_ != nullptr; }
  [[nodiscard]] bool is_open() const { return tls_ != nullptr || tcp_ != nullptr; }  ///< not moved from
  Tcp& tcp() { return tls_ ? tls_->next_layer() : *tcp_; }
  executor_type get_executor() { return tcp().get_executor(); }

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return tls_ ? tls_->async_read_some(buffers, std::forward<Token>(token))
                : tcp_->async_read_some(buffers, std::forward<Token>(token));
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return tls_ ? tls_->async_write_some(buffers, std::forward<Token>(token))
                : tcp_->async_write_some(buffers, std::forward<Token>(token));
  }

 private:
  std::unique_ptr<Tcp> tcp_;
  std::unique_ptr<Tls> tls_;
};

// What websocket::stream asks of a stream at the end of a connection.

inline void beast_close_socket(Socket& socket) {
  boost::system::error_code ignored;
  socket.tcp().socket().close(ignored);
}

template <typename Handler>
void async_teardown(boost::beast::role_type /*role*/, Socket& socket, Handler&& handler) {
  boost::asio::co_spawn(socket.get_executor(), socket.shut_down(),
                        [handler = std::forward<Handler>(handler)](
                            const std::exception_ptr& /*the peer's, who has gone*/) mutable {
                          handler(boost::system::error_code());
                        });
}

}  // namespace streamdiffusion::server
