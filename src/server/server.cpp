#include "server/server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <csignal>
#include <memory>

#include "server/http.h"
#include "server/tls.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;

constexpr std::chrono::seconds kGrace{5};               // Time for connections to end by themselves.
constexpr std::chrono::milliseconds kAcceptPause{100};  // Pause if the system has no file descriptors left.

std::unique_ptr<asio::ssl::context> make_tls(const ServerOptions& options) {
  if (!options.tls_certificate.empty()) {
    return load_certificate(options.tls_certificate, options.tls_key);
  }
  if (!options.tls_self_signed) {
    return nullptr;
  }
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1", asio::ip::host_name()};
  if (options.host != "0.0.0.0" && options.host != "::") {
    names.push_back(options.host);
  }
  names.insert(names.end(), options.access.allowed_hosts.begin(), options.access.allowed_hosts.end());
  return make_self_signed(names);
}

tcp::acceptor listen(asio::io_context& io, const ServerOptions& options) {
  const std::string where = options.host + ":" + std::to_string(options.port);
  boost::system::error_code error;
  tcp::resolver resolver(io);
  const auto endpoints =
      resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error);
  if (error || endpoints.empty()) {
    throw Error("cannot listen on " + where + ": " + error.message() +
                "; --host takes an address of this machine");
  }
  try {
    return {io, endpoints.begin()->endpoint(), true};
  } catch (const boost::system::system_error& failed) {
    throw Error("cannot listen on " + where + ": " + failed.code().message() +
                "; choose another --port, or 0 for any");
  }
}

}  // namespace

struct Server::Impl {
  explicit Impl(ServerOptions given)
      : options(std::move(given)),
        tls(make_tls(options)),
        acceptor(listen(io, options)),
        signals(io, SIGINT, SIGTERM) {
    options.access.allowed_hosts.push_back(asio::ip::host_name());
    context = std::make_unique<ServerContext>(options);
  }
  /// Stops the engine first because its answers use `io`. Remaining connections end with `io` and use the
  /// context until then.
  ~Impl() { context->engine.stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  asio::awaitable<void> accept();
  asio::awaitable<void> end();

  ServerOptions options;
  std::unique_ptr<ServerContext> context;
  std::unique_ptr<asio::ssl::context> tls;
  asio::io_context io{1};
  tcp::acceptor acceptor;
  asio::signal_set signals;
  std::string lost_device;  // Message of the lost device; empty unless the server stops because of it.
};

asio::awaitable<void> Server::Impl::accept() {
  asio::steady_timer pause(io);
  while (!context->stopping) {
    boost::system::error_code error;
    tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(use_awaitable, error));
    if (error) {
      if (context->stopping) {
        co_return;
      }
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(use_awaitable);
      continue;
    }
    boost::system::error_code gone;
    const std::string address = socket.remote_endpoint(gone).address().to_string();
    if (gone || context->connections >= options.connections) {
      continue;  // The socket's destructor closes the connection.
    }
    socket.set_option(tcp::no_delay(true), gone);
    asio::co_spawn(io, serve_connection(Socket(std::move(socket), tls.get()), address, *context),
                   asio::detached);
  }
}

/// Tells all connections to stop, waits up to kGrace for them, and stops `io`.
asio::awaitable<void> Server::Impl::end() {
  boost::system::error_code ignored;
  context->tell_to_stop();
  acceptor.close(ignored);
  asio::steady_timer timer(io);
  const auto until = std::chrono::steady_clock::now() + kGrace;
  while (context->connections > 0 && std::chrono::steady_clock::now() < until) {
    timer.expires_after(std::chrono::milliseconds(20));
    co_await timer.async_wait(use_awaitable);
  }
  io.stop();
}

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Server::~Server() = default;

std::string Server::url() const {
  std::string host = impl_->options.host;
  if (host == "0.0.0.0" || host == "::") {
    host = asio::ip::host_name();
  } else if (host.find(':') != std::string::npos) {
    host = "[" + host + "]";
  }
  return std::string(impl_->tls ? "https://" : "http://") + host + ":" +
         std::to_string(impl_->acceptor.local_endpoint().port()) + "/";
}

void Server::run() {
  impl_->signals.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) {
      impl_->signals.clear();  // A second signal ends the program at once.
      stop();
    }
  });
  impl_->context->engine.when_device_is_lost([this](const std::string& problem) {
    asio::post(impl_->io, [this, problem] { impl_->lost_device = problem; });
    stop();
  });
  asio::co_spawn(impl_->io, impl_->accept(), asio::detached);
  impl_->io.run();
  if (!impl_->lost_device.empty()) {
    throw DeviceLost(impl_->lost_device);
  }
}

void Server::stop() {
  asio::post(impl_->io, [this] {
    if (!impl_->context->stopping) {
      asio::co_spawn(impl_->io, impl_->end(), asio::detached);
    }
  });
}

}  // namespace streamdiffusion::server
