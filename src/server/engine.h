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
  int text_frames_waiting = 16;                       ///< Text-to-image frames of a session that may wait.
  int largest_side = 1024;                            ///< Most width and height of a stream, in pixels.
  std::int64_t image_pixels = std::int64_t{1} << 24;  ///< Most pixels of an image that a client sends.
  int requests_waiting = 64;  ///< Changes of settings or stream that may wait in a session.
  int weight_sets = 4;        ///< Combinations of LoRA scales in use on one model. Each has its own weights.
};

/// Computes for all sessions on a thread of its own. The scheduler chooses whose turn it is and whose steps
/// share a UNet call. Images are decoded and encoded on further threads. Public methods are thread-safe and,
/// except `stop`, return at once.
class Engine {
 public:
  Engine(ModelStore& models, const Settings& defaults, const StreamSettings& stream_defaults,
         const EngineLimits& limits, Metrics& metrics, MonotonicClock& clock = MonotonicClock::real());
  ~Engine();
  /// Sets a callback for the loss of the compute device, after which no session can go on. It is called once,
  /// on the engine's thread. Set it before the first session opens.
  void when_device_is_lost(std::function<void(const std::string& problem)> tell);
  /// Waits for the current step and for models that are loading, then ends the threads and releases all
  /// outputs.
  void stop();

  /// Opens a session with the default settings. It must not outlive the engine. `output` receives the
  /// session's messages and answers.
  std::shared_ptr<Session> open(const std::string& id, const StreamSettings& stream_settings,
                                std::shared_ptr<SessionOutput> output);
  void close(const std::shared_ptr<Session>& session);

  /// Queues a change of settings or stream. Returns false if `requests_waiting` changes wait already; the
  /// caller then tells the client.
  bool queue_request(const std::shared_ptr<Session>& session, ClientMessage message);
  /// Queues a frame. `image` is an image file for image to image; if it is empty, the frame is text to
  /// image. `mask` is an image file of the same size: the answer keeps the image where the mask is opaque.
  /// If it is empty, nothing is kept.
  void queue_frame(const std::shared_ptr<Session>& session, const FrameTag& tag,
                   std::vector<std::uint8_t> image, std::vector<std::uint8_t> mask = {});

  [[nodiscard]] const EngineLimits& limits() const { return limits_; }
  /// The stream settings of a new session: width and height are the model's native size unless set at the
  /// start.
  [[nodiscard]] StreamSettings default_stream() const;
  [[nodiscard]] Settings default_settings(const std::string& model) const;
  /// Describes the models for the `hello` message and GET /v1/models.
  [[nodiscard]] nlohmann::json describe_models() const;

 private:
  using SessionPtr = std::shared_ptr<Session>;

  void run();
  void perform_turn(const Turn& turn, std::unique_lock<std::mutex>& lock);
  void answer_requests(const SessionPtr& session, std::unique_lock<std::mutex>& lock);
  bool answer(const SessionPtr& session, const ClientMessage& message);
  void change_settings(const SessionPtr& session, const ClientMessage& message);
  bool change_stream(const SessionPtr& session, const ClientMessage& message);
  bool wait_for_model(const SessionPtr& session, const ClientMessage& message);
  void check_weight_sets(const SessionStream& own, const Settings& wanted);
  void step(const Turn& turn, std::unique_lock<std::mutex>& lock);
  void make_text_images(const SessionPtr& session, std::unique_lock<std::mutex>& lock);
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
  void deliver(Session& session, FrameState state, const Arrival& arrival, const Frame* image);
  void encode(const SessionPtr& session, const Arrival& arrival, Frame image, const StreamSettings& settings);
  void send(const SessionPtr& session, std::string message);
  void report(Session& session, Clock::time_point now);

  ModelStore& models_;
  const Settings defaults_;
  const StreamSettings stream_defaults_;
  const EngineLimits limits_;
  Metrics& metrics_;
  MonotonicClock& clock_;
  FrameAnswers answers_;

  boost::asio::thread_pool codecs_;  // Decodes and encodes images. Sessions use it until they end.
  std::mutex mutex_;
  std::condition_variable work_;
  std::vector<SessionPtr> sessions_;
  std::vector<SessionPtr> closed_;  // Sessions whose streams the engine's thread has to free.
  bool stopping_ = false;
  std::function<void(const std::string&)> tell_of_loss_;
  std::thread thread_;
};

}  // namespace streamdiffusion::server
