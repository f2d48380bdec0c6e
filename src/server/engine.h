#pragma once

#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/monotonic_clock.h"
#include "server/frame_answers.h"
#include "server/metrics.h"
#include "server/model_store.h"
#include "server/scheduler.h"
#include "server/session.h"

namespace streamdiffusion::server {

struct EngineLimits {
  int frames_under_way = 16;  ///< of text to image that wait
  int largest_side = 1024;
  std::int64_t picture_pixels = std::int64_t{1} << 24;
  int requests_waiting = 64;
  int weight_sets = 4;  ///< different combinations of LoRA scales in use at a time, of one model
};

/// Computes for all sessions, on one thread of its own: whose turn it is, and whose steps share a UNet call,
/// is the Scheduler's to say. Pictures are decoded and encoded on further threads. Its methods are
/// thread-safe and return at once.
class Engine {
 public:
  Engine(ModelStore& models, const Settings& defaults, const StreamSettings& stream_defaults,
         const EngineLimits& limits, Metrics& metrics, MonotonicClock& clock = MonotonicClock::real());
  ~Engine();
  /// Called once, on the engine's thread, where the device that computes is lost: no session can go on. To be
  /// set before there are sessions.
  void when_device_is_lost(std::function<void(const std::string& problem)> tell);
  /// Ends after the step that it is at, and when no model is being loaded; lets go of all outputs.
  void stop();

  /// A session with the default settings, which must not outlive the engine. Its `output` gets nothing but
  /// what the session asks for.
  std::shared_ptr<Session> open(const std::string& id, const StreamSettings& stream_settings,
                                std::shared_ptr<SessionOutput> output);
  void close(const std::shared_ptr<Session>& session);

  /// False where too many wait already: the client is to be told.
  bool request(const std::shared_ptr<Session>& session, ClientMessage message);
  /// Image to image of a picture file's bytes, or text to image where there are none.
  void frame(const std::shared_ptr<Session>& session, const FrameTag& tag, std::vector<std::uint8_t> picture);

  [[nodiscard]] const EngineLimits& limits() const { return limits_; }
  /// What a new session's stream is made for.
  [[nodiscard]] StreamSettings default_stream() const;
  [[nodiscard]] Settings default_settings(const std::string& model) const;
  /// The models for `hello` and GET /v1/models.
  [[nodiscard]] nlohmann::json describe_models() const;

 private:
  using SessionPtr = std::shared_ptr<Session>;

  void run();
  void perform(const Turn& turn, std::unique_lock<std::mutex>& lock);
  void answer_requests(const SessionPtr& session, std::unique_lock<std::mutex>& lock);
  bool answer(const SessionPtr& session, const ClientMessage& message);
  void change_settings(const SessionPtr& session, const ClientMessage& message);
  bool change_stream(const SessionPtr& session, const ClientMessage& message);
  bool wait_for_model(const SessionPtr& session, const ClientMessage& message);
  void check_weight_sets(const SessionStream& own, const Settings& wanted);
  void step(const Turn& turn, std::unique_lock<std::mutex>& lock);
  void make_pictures(const SessionPtr& session, std::unique_lock<std::mutex>& lock);
  void drain(const SessionPtr& session);
  void lose_device(const std::string& problem);
  void compute(const std::vector<SessionPtr>& sessions, const std::function<void()>& work);

  std::vector<SessionStream::Input> take_inputs(const SessionPtr& session,
                                                std::unique_lock<std::mutex>& lock);

  [[nodiscard]] SessionStream::Input decode(const EncodedFrame& encoded, int width, int height,
                                            Fit fit) const;
  void decode_next(const SessionPtr& session);
  void decode_early(const SessionPtr& session, const EncodedFrame& encoded, std::uint64_t version, int width,
                    int height, Fit fit);
  void deliver(Session& session, FrameState state, const Arrival& arrival, const Frame* picture);
  void encode(const SessionPtr& session, const Arrival& arrival, const Frame& picture,
              const StreamSettings& settings);
  void send(const SessionPtr& session, std::string message);
  void report(Session& session, Clock::time_point now);

  ModelStore& models_;
  const Settings defaults_;
  const StreamSettings stream_defaults_;
  const EngineLimits limits_;
  Metrics& metrics_;
  MonotonicClock& clock_;
  FrameAnswers answers_;

  boost::asio::thread_pool codecs_;  // sessions use it to their end
  std::mutex mutex_;
  std::condition_variable work_;
  std::vector<SessionPtr> sessions_;
  std::vector<SessionPtr> closed_;  // their streams are the engine's thread's to free
  bool stopping_ = false;
  std::function<void(const std::string&)> tell_of_loss_;
  std::thread thread_;
};

}  // namespace streamdiffusion::server
