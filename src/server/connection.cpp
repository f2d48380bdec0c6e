#include <boost/beast/core/flat_buffer.hpp>

#include "server/http.h"
#include "server/request_reader.h"
#include "server/routes.h"
#include "server/time_limits.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;

asio::awaitable<void> serve(Socket socket, std::string address, ServerContext& server) {
  boost::beast::flat_buffer buffer;
  bool reading = true;
  const ServerContext::OnStop on_stop(server, [&] {
    if (reading && socket.is_open()) {
      socket.tcp().cancel();
    }
  });
  while (!server.stopping) {
    reading = true;
    std::optional<Request> received = co_await read_request(socket, buffer, server);
    reading = false;
    if (!received) {
      break;
    }
    socket.tcp().expires_never();
    std::optional<Response> response = co_await answer_request(
        {.socket = socket, .request = *received, .address = address, .server = server});
    if (!response) {
      break;
    }
    allow_origin(*received, server, *response);
    const bool keep = response->keep_alive() && !server.stopping;
    response->keep_alive(keep);
    co_await write_response(socket, std::move(*response));
    if (!keep) {
      break;
    }
  }
  reading = true;
  if (socket.is_open()) {
    co_await socket.shut_down();
  }
}

}  // namespace

asio::awaitable<void> serve_connection(Socket socket, std::string address, ServerContext& server) {
  ++server.connections;
  try {
    socket.tcp().expires_after(kHandshakeLimit);
    co_await socket.handshake();
    co_await serve(std::move(socket), std::move(address), server);
  } catch (const boost::system::system_error&) {
    // The peer has gone or took too long, so nobody is left to answer.
  }
  --server.connections;
}

}  // namespace streamdiffusion::server
