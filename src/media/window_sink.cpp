#include "media/window_sink.h"

#include <SDL.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "core/free_with.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

Error failure(const std::string& what) {
  return Error(what + ": " + SDL_GetError() + "; a window needs a screen (DISPLAY or WAYLAND_DISPLAY)");
}

/// Initialises SDL's video subsystem on the thread that uses it.
class Video {
 public:
  Video() {
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");  // The program handles Ctrl-C itself.
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0) throw failure("cannot open a window");
  }
  ~Video() { SDL_QuitSubSystem(SDL_INIT_VIDEO); }
  Video(const Video&) = delete;
  Video& operator=(const Video&) = delete;
};

/// The initial size of the window: small frames are scaled up, large ones down to fit the screen.
SDL_Point first_size(int width, int height) {
  constexpr int kSeen = 512;
  constexpr double kShareOfScreen = 0.9;
  double scale = std::max(1.0, static_cast<double>(kSeen) / std::min(width, height));
  SDL_Rect screen{};
  if (SDL_GetDisplayUsableBounds(0, &screen) == 0 && screen.w > 0 && screen.h > 0) {
    scale = std::min({scale, kShareOfScreen * screen.w / width, kShareOfScreen * screen.h / height});
  }
  return {std::max(1, static_cast<int>(width * scale)), std::max(1, static_cast<int>(height * scale))};
}

class Window {
 public:
  Window(int width, int height) {
    const SDL_Point size = first_size(width, height);
    window_.reset(SDL_CreateWindow("streamdiffusion", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, size.x,
                                   size.y, SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI));
    if (!window_) throw failure("cannot open a window");
    renderer_.reset(SDL_CreateRenderer(window_.get(), -1, 0));
    if (!renderer_) throw failure("cannot draw into a window");
    texture_.reset(SDL_CreateTexture(renderer_.get(), SDL_PIXELFORMAT_RGB24, SDL_TEXTUREACCESS_STREAMING,
                                     width, height));
    if (!texture_) throw failure("cannot draw into a window");
    SDL_RenderSetLogicalSize(renderer_.get(), width, height);  // Keeps the aspect ratio.
  }

  void set(const Frame& frame) {
    SDL_UpdateTexture(texture_.get(), nullptr, frame.pixels.data(), frame.width * 3);
  }

  void draw() {
    SDL_RenderClear(renderer_.get());
    SDL_RenderCopy(renderer_.get(), texture_.get(), nullptr, nullptr);
    SDL_RenderPresent(renderer_.get());
  }

  void toggle_full_screen() {
    const bool full = (SDL_GetWindowFlags(window_.get()) & SDL_WINDOW_FULLSCREEN_DESKTOP) != 0;
    SDL_SetWindowFullscreen(window_.get(), full ? 0 : SDL_WINDOW_FULLSCREEN_DESKTOP);
    SDL_ShowCursor(full ? SDL_ENABLE : SDL_DISABLE);
  }

 private:
  std::unique_ptr<SDL_Window, FreeWith<SDL_DestroyWindow>> window_;
  std::unique_ptr<SDL_Renderer, FreeWith<SDL_DestroyRenderer>> renderer_;
  std::unique_ptr<SDL_Texture, FreeWith<SDL_DestroyTexture>> texture_;
};

/// Shows frames in a window on a thread of its own, so that the window responds while no frame comes.
class WindowSink : public Sink {
 public:
  explicit WindowSink(const SinkOptions& options) : options_(options) {
    if (options.width <= 0 || options.height <= 0) throw ArgumentError("a window needs a width and a height");
    std::promise<void> opened;
    std::future<void> result = opened.get_future();
    thread_ = std::jthread([this, &opened](const std::stop_token& stop) { run(stop, opened); });
    result.get();
  }

  void write(const Frame& frame) override {
    if (frame.width != options_.width || frame.height != options_.height || frame.empty()) {
      throw ArgumentError("a window of " + std::to_string(options_.width) + "x" +
                          std::to_string(options_.height) + " got a frame of another size");
    }
    const std::lock_guard lock(mutex_);
    newest_ = frame;
    is_new_ = true;
    changed_.notify_one();
  }

  void finish() override {}

 private:
  void run(const std::stop_token& stop, std::promise<void>& opened) {
    try {
      const Video video;
      Window window(options_.width, options_.height);
      opened.set_value();  // The constructor returns, so `opened` must not be used below.
      show(stop, window);
    } catch (const Error&) {
      opened.set_exception(std::current_exception());
    }
  }

  void show(const std::stop_token& stop, Window& window) {
    Frame frame;
    while (!stop.stop_requested()) {
      bool redraw = wait_for_frame(stop, frame);
      if (redraw) window.set(frame);
      for (SDL_Event event; SDL_PollEvent(&event) != 0;) {
        redraw = redraw || event.type == SDL_WINDOWEVENT;
        if (asks_for_full_screen(event)) window.toggle_full_screen();
        if (asks_to_close(event)) {
          if (options_.on_close) options_.on_close();
          return;
        }
      }
      if (redraw) window.draw();
    }
  }

  /// Waits 20 ms for a new frame and swaps it into `frame`. Returns false if none came.
  bool wait_for_frame(const std::stop_token& stop, Frame& frame) {
    constexpr std::chrono::milliseconds kEventInterval{20};
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, kEventInterval, [&] { return is_new_; });
    if (!is_new_) return false;
    std::swap(frame, newest_);
    is_new_ = false;
    return true;
  }

  static bool is_key(const SDL_Event& event, SDL_Keycode key) {
    return event.type == SDL_KEYDOWN && event.key.repeat == 0 && event.key.keysym.sym == key;
  }
  static bool asks_for_full_screen(const SDL_Event& event) { return is_key(event, SDLK_f); }
  static bool asks_to_close(const SDL_Event& event) {
    return is_key(event, SDLK_ESCAPE) || is_key(event, SDLK_q) || event.type == SDL_QUIT;
  }

  SinkOptions options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Frame newest_;
  bool is_new_ = false;
  std::jthread thread_;  // Last, because it uses all other members.
};

}  // namespace

std::unique_ptr<Sink> open_window(const SinkOptions& options) {
  return std::make_unique<WindowSink>(options);
}

}  // namespace streamdiffusion
