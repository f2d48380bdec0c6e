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

/// A connection with or without TLS. As one type serves both, code above it is compiled once. Reads and
/// writes erase the types of buffers and handlers, so Boost's TLS and TCP templates are compiled once, in
/// socket.cpp.
class Socket {
 public:
  using Tcp = boost::beast::tcp_stream;
  using Tls = boost::beast::ssl_stream<Tcp>;
  using executor_type = Tcp::executor_type;

  /// Uses TLS unless `tls` is null. The context must outlive the socket.
  Socket(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls);

  boost::asio::awaitable<void> handshake();
  /// Ends sending, then reads for up to 2 seconds until the peer ends too. Closing while the peer still sends
  /// would reset the connection, and the peer might lose the last message.
  boost::asio::awaitable<void> shut_down();

  [[nodiscard]] bool is_secure() const { return tls_ != nullptr; }
  [[nodiscard]] bool is_open() const { return tls_ != nullptr || tcp_ != nullptr; }  ///< False after a move.
  Tcp& tcp() { return tls_ ? tls_->next_layer() : *tcp_; }
  executor_type get_executor() { return tcp().get_executor(); }

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, Signature>(
        [this](auto&& handler, const auto& to) {
          read_some(first_of<boost::asio::mutable_buffer>(to),
                    make_shareable(std::forward<decltype(handler)>(handler)));
        },
        token, buffers);
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, Signature>(
        [this](auto&& handler, const auto& from) {
          write_some(first_of<boost::asio::const_buffer>(from),
                     make_shareable(std::forward<decltype(handler)>(handler)));
        },
        token, buffers);
  }

 private:
  using Signature = void(boost::system::error_code, std::size_t);
  using Handler = std::function<Signature>;
  /// Most buffers of one read or write; the caller passes the rest again.
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

  /// Makes a move-only handler of Boost copyable, as std::function requires.
  template <typename Moved>
  static Handler make_shareable(Moved handler) {
    return [shared = std::make_shared<Moved>(std::move(handler))](
               const boost::system::error_code& error, std::size_t bytes) { (*shared)(error, bytes); };
  }

  void read_some(const BufferArray<boost::asio::mutable_buffer>& buffers, Handler handler);
  void write_some(const BufferArray<boost::asio::const_buffer>& buffers, Handler handler);

  std::unique_ptr<Tcp> tcp_;
  std::unique_ptr<Tls> tls_;
};

// beast_close_socket and async_teardown are the customisation points by which websocket::stream closes.

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
