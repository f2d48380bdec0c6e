#pragma once

#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace streamdiffusion::server {

/// A connection, with TLS or without: one type, so that everything above exists once. Reads and writes take
/// buffers and handlers of one type each, so that what Boost makes of TLS and TCP is compiled once, in
/// socket.cpp.
class Socket {
 public:
  using Tcp = boost::beast::tcp_stream;
  using Tls = boost::beast::ssl_stream<Tcp>;
  using executor_type = Tcp::executor_type;

  /// `tls` null: without. It must outlive the socket.
  Socket(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls);

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
    return boost::asio::async_initiate<Token, Signature>(
        [this](auto&& handler, const auto& to) {
          read_some(first_of<boost::asio::mutable_buffer>(to),
                    shareable(std::forward<decltype(handler)>(handler)));
        },
        token, buffers);
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, Signature>(
        [this](auto&& handler, const auto& from) {
          write_some(first_of<boost::asio::const_buffer>(from),
                     shareable(std::forward<decltype(handler)>(handler)));
        },
        token, buffers);
  }

 private:
  using Signature = void(boost::system::error_code, std::size_t);
  using Handler = std::function<Signature>;
  /// What one read or write takes of a sequence of buffers; the rest is left to the next one.
  static constexpr std::size_t kBuffers = 8;
  template <typename Buffer>
  using BufferArray = std::array<Buffer, kBuffers>;

  template <typename Buffer, typename Buffers>
  static BufferArray<Buffer> first_of(const Buffers& buffers) {
    BufferArray<Buffer> first;
    std::size_t count = 0;
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto i = boost::asio::buffer_sequence_begin(buffers); i != end && count < kBuffers; ++i) {
      if (const Buffer buffer = *i; buffer.size() > 0) {
        first[count++] = buffer;
      }
    }
    return first;
  }

  /// Boost's handlers can only be moved, std::function copies.
  template <typename Moved>
  static Handler shareable(Moved handler) {
    return [shared = std::make_shared<Moved>(std::move(handler))](
               const boost::system::error_code& error, std::size_t bytes) { (*shared)(error, bytes); };
  }

  void read_some(const BufferArray<boost::asio::mutable_buffer>& buffers, Handler handler);
  void write_some(const BufferArray<boost::asio::const_buffer>& buffers, Handler handler);

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
