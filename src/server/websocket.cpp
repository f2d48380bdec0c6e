#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>

#include "control/settings_json.h"
#include "control/settings_schema.h"
#include "server/http.h"
#include "server/outbox.h"
#include "server/random_name.h"
#include "server/time_limits.h"
#include "settings/setting.h"
#include "streamdiffusion/version.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using boost::asio::use_awaitable;
using WebSocket = websocket::stream<Socket, false>;  // No compression: images are compressed already.

constexpr std::chrono::seconds kSilence{30};  // A peer that is silent this long, despite pings, is dropped.
constexpr std::chrono::milliseconds kCrowdedPause{20};  // Less than a frame's interval at 30 frames a second.
// Several times the frames and settings that the fastest client sends. More are read later.
constexpr double kMessagesASecond = 500;
constexpr double kMessagesAtOnce = 500;

std::string queue_message(int position) { return dump({{"type", "queue"}, {"position", position}}); }

bool is_session_name(const std::string& name) {
  constexpr std::size_t kShortest = 8;
  constexpr std::size_t kLongest = 64;
  return name.size() >= kShortest && name.size() <= kLongest &&
         std::ranges::all_of(name,
                             [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

/// Limits how fast a client's messages are read. A faster client is slowed down, not closed: one that sends a
/// frame per answer speeds up when frames are dropped at once.
class RateLimit {
 public:
  /// Counts a message and returns the time to wait before the next one is read.
  Clock::duration take_one() {
    const Clock::time_point now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - std::exchange(last_, now)).count();
    left_ = std::min(kMessagesAtOnce, left_ + seconds * kMessagesASecond) - 1;
    return std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(std::max(0.0, -left_ / kMessagesASecond)));
  }

 private:
  Clock::time_point last_ = Clock::now();
  double left_ = kMessagesAtOnce;
};

/// A client's WebSocket and its session. One coroutine reads from it, another one writes.
class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(Socket socket, std::string name, std::string address, ServerContext& server)
      : socket_(std::move(socket)),
        server_(server),
        name_(std::move(name)),
        address_(std::move(address)),
        outbox_(std::make_shared<Outbox>(socket_.get_executor())) {
    server_.session_names.insert(name_);
  }
  ~Client() {
    if (session_) {
      server_.engine.close(session_);
    }
    server_.session_names.erase(name_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  asio::awaitable<void> run(Request request) {
    socket_.next_layer().tcp().expires_never();
    socket_.set_option(websocket::stream_base::timeout{
        .handshake_timeout = kHandshakeLimit, .idle_timeout = kSilence, .keep_alive_pings = true});
    socket_.read_message_max(server_.options.message_bytes);
    co_await socket_.async_accept(request, use_awaitable);
    const ServerContext::OnStop on_stop(server_, [this] { outbox_->wake(); });
    ticket_ = server_.slots.take_ticket(address_, [this] { outbox_->wake(); });
    if (!ticket_) {
      server_.metrics.refused.Increment();
      co_await close(websocket::close_code::try_again_later, "all session slots and the queue are full");
      co_return;
    }
    asio::co_spawn(socket_.get_executor(), read(shared_from_this()), asio::detached);
    co_await write();
  }

 private:
  // ---- Reading

  static asio::awaitable<void> read(std::shared_ptr<Client> self) {
    try {
      co_await self->read_messages();
    } catch (const boost::system::system_error&) {
      // The peer has gone; is_over_ ends the writer too.
    }
    self->is_over_ = true;
    self->outbox_->wake();
  }

  asio::awaitable<void> read_messages() {
    RateLimit rate;
    boost::beast::flat_buffer buffer;
    asio::steady_timer pause(socket_.get_executor());
    while (!is_over_) {
      co_await socket_.async_read(buffer, use_awaitable);
      last_message_ = Clock::now();
      take_message(std::span(static_cast<const std::uint8_t*>(buffer.data().data()), buffer.size()));
      buffer.consume(buffer.size());
      Clock::duration wait = rate.take_one();
      while (!is_over_ && (wait > Clock::duration::zero() || outbox_->is_crowded())) {
        pause.expires_after(wait > Clock::duration::zero() ? wait : kCrowdedPause);
        co_await pause.async_wait(use_awaitable);
        wait = Clock::duration::zero();  // From here on only a crowded outbox holds up reading.
      }
    }
  }

  void take_message(std::span<const std::uint8_t> bytes) {
    nlohmann::json id;
    try {
      if (!session_) {
        throw ProtocolError("queue", "it is not your turn yet");
      }
      if (socket_.got_binary()) {
        const FrameTag tag = parse_frame_header(bytes);
        server_.engine.queue_frame(session_, tag, {bytes.begin() + kFrameHeaderSize, bytes.end()});
        return;
      }
      ClientMessage message = parse_message({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      id = message.id;
      if (!server_.engine.queue_request(session_, std::move(message))) {
        throw ProtocolError("message", "too many changes wait for an answer");
      }
    } catch (const ProtocolError& error) {
      outbox_->send(make_error(error.code(), error.what(), id));
    }
  }

  // ---- Writing

  asio::awaitable<void> write() {
    while (!is_over_) {
      co_await send_hello();
      while (std::optional<Outbox::Item> item = outbox_->take()) {
        co_await send(std::move(*item));
      }
      if (server_.stopping) {
        close_with(websocket::close_code::going_away, "the server stops");
      } else if (Clock::now() - last_message_ > std::chrono::duration<double>(server_.options.idle_seconds)) {
        close_with(websocket::close_code::policy_error, "nothing was sent for a long time");
      }
      if (close_code_ != websocket::close_code::none) {
        co_await close(close_code_, close_reason_);
        break;
      }
      co_await outbox_->wait(kStopInterval);
    }
    is_over_ = true;
  }

  /// Sends the position in the queue if it changed, or opens the session once there is a slot.
  asio::awaitable<void> send_hello() {
    if (session_) {
      co_return;
    }
    if (const int position = ticket_->position(); position > 0) {
      if (position != std::exchange(told_position_, position)) {
        const std::string message = queue_message(position);
        co_await send_text(message);
      }
      co_return;
    }
    const StreamSettings stream = server_.engine.default_stream();
    session_ = server_.engine.open(name_, stream, outbox_);
    last_message_ = Clock::now();
    const std::string message = hello(stream);
    co_await send_text(message);
  }

  [[nodiscard]] std::string hello(const StreamSettings& stream) const {
    const EngineLimits& limits = server_.engine.limits();
    return dump({{"type", "hello"},
                 {"protocol", kProtocolVersion},
                 {"version", version()},
                 {"session", name_},
                 {"settings", to_json(server_.engine.default_settings(stream.model))},
                 {"schema", settings_schema()},
                 {"stream", to_json(stream)},
                 {"stream_schema", stream_schema(stream, limits.largest_side)},
                 {"models", server_.engine.describe_models()},
                 {"limits",
                  {{"frames_under_way", limits.text_frames_waiting},
                   {"message_bytes", server_.options.message_bytes},
                   {"image_pixels", limits.image_pixels},
                   {"largest_side", limits.largest_side},
                   {"prompt_bytes", kLongestPrompt}}}});
  }

  asio::awaitable<void> send(Outbox::Item item) {
    if (const auto* text = std::get_if<std::string>(&item)) {
      co_await send_text(*text);
      co_return;
    }
    auto& answer = std::get<FrameAnswer>(item);
    const auto on_server =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - answer.arrival);
    const std::vector<std::uint8_t> bytes =
        make_answer(answer.state, answer.tag, static_cast<std::uint32_t>(on_server.count()), answer.dropped,
                    answer.image);
    socket_.binary(true);
    co_await socket_.async_write(asio::buffer(bytes), use_awaitable);
    if (answer.state == FrameState::image && server_.viewers.has_viewers(name_)) {
      server_.viewers.show_image(name_, std::move(answer.image));
    }
  }

  asio::awaitable<void> send_text(const std::string& text) {
    socket_.text(true);
    co_await socket_.async_write(asio::buffer(text), use_awaitable);
  }

  void close_with(websocket::close_code code, std::string reason) {
    close_code_ = code;
    close_reason_ = std::move(reason);
    outbox_->wake();
  }

  asio::awaitable<void> close(websocket::close_code code, std::string reason) {
    const websocket::close_reason why(code, reason);
    boost::system::error_code ignored;
    co_await socket_.async_close(why, asio::redirect_error(use_awaitable, ignored));
  }

  WebSocket socket_;
  ServerContext& server_;
  std::string name_;
  std::string address_;
  std::shared_ptr<Outbox> outbox_;
  std::unique_ptr<SessionSlots::Ticket> ticket_;
  std::shared_ptr<Session> session_;
  Clock::time_point last_message_ = Clock::now();
  int told_position_ = 0;
  bool is_over_ = false;
  websocket::close_code close_code_ = websocket::close_code::none;
  std::string close_reason_;
};

asio::awaitable<void> refuse(Socket& socket, Response response) {
  response.keep_alive(false);
  co_await boost::beast::http::async_write(socket, response, use_awaitable);
  co_await socket.shut_down();
}

}  // namespace

asio::awaitable<void> serve_websocket(Socket socket, Request request, std::string address,
                                      ServerContext& server) {
  std::string name = query_of(request, "session");
  if (!name.empty() && !is_session_name(name)) {
    co_await refuse(socket,
                    make_error_response(request, Status::bad_request,
                                        "session must be 8 to 64 letters, digits, - or _", "session"));
    co_return;
  }
  if (server.session_names.contains(name)) {
    co_await refuse(
        socket, make_error_response(request, Status::conflict, "there is a session of that name", "session"));
    co_return;
  }
  if (name.empty()) {
    name = random_name();
  }
  const auto client =
      std::make_shared<Client>(std::move(socket), std::move(name), std::move(address), server);
  co_await client->run(std::move(request));
}

}  // namespace streamdiffusion::server
