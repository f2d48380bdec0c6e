// Measures what a step through the C interface costs beside the same step in C++. Both run on the device
// "counting", which computes nothing, so that the interfaces are most of the time.

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/turns.h"
#include "core/monotonic_clock.h"
#include "streamdiffusion.h"
#include "streamdiffusion/frame.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::bench {
namespace {

constexpr int kSide = 512;
constexpr int kStepsOfARun = 1000;
constexpr double kSeconds = 2;

/// Returns the seconds of one call, averaged over a run.
template <typename Step>
double time_step(const Step& step) {
  const auto start = MonotonicClock::real().now();
  for (int i = 0; i < kStepsOfARun; ++i) {
    step();
  }
  return std::chrono::duration<double>(MonotonicClock::real().now() - start).count() / kStepsOfARun;
}

class CppStream {
 public:
  explicit CppStream(const std::string& folder)
      : stream_(Model::load({.path = folder, .device = "counting"}), {.width = kSide, .height = kSide}, {}) {
    frame_.resize(kSide, kSide);
  }

  void step() {
    const InputFrame in = frame_;
    OutputFrame out = frame_.view();
    stream_.step({&in, 1}, {&out, 1});
  }

 private:
  Stream stream_;
  Frame frame_;
};

class CStream {
 public:
  explicit CStream(const std::string& folder) : pixels_(std::size_t{kSide} * kSide * 3) {
    sd_model_options model_options;
    sd_model_options_init(&model_options, sizeof model_options);
    model_options.path = folder.c_str();
    model_options.device = "counting";
    check(sd_model_load(&model_options, &model_, &error_));
    sd_stream_options stream_options;
    sd_stream_options_init(&stream_options, sizeof stream_options);
    stream_options.width = kSide;
    stream_options.height = kSide;
    check(sd_stream_create(model_, &stream_options, nullptr, &stream_, &error_));
  }
  ~CStream() {
    sd_stream_free(stream_);
    sd_model_free(model_);
  }
  CStream(const CStream&) = delete;
  CStream& operator=(const CStream&) = delete;

  void step() {
    sd_input_frame in{};
    in.image = {pixels_.data(), kSide, kSide, 0, 3, SD_UINT8};
    sd_output_frame out{};
    out.image = {pixels_.data(), kSide, kSide, 0, 3, SD_UINT8};
    std::size_t finished = 0;
    check(sd_stream_step(stream_, &in, &out, 1, &finished, nullptr, &error_));
  }

 private:
  void check(sd_status status) const {
    if (status != SD_OK) {
      throw std::runtime_error(error_.message);
    }
  }

  std::vector<unsigned char> pixels_;
  sd_model* model_ = nullptr;
  sd_stream* stream_ = nullptr;
  sd_error error_{};
};

void measure(const std::string& folder) {
  CppStream cpp(folder);
  CStream c(folder);
  const std::vector<Spread> spreads = take_turns(
      {[&] { return time_step([&] { cpp.step(); }); }, [&] { return time_step([&] { c.step(); }); }},
      kSeconds);
  constexpr double kMicroseconds = 1e6;
  const double in_cpp = spreads[0].median * kMicroseconds;
  const double in_c = spreads[1].median * kMicroseconds;
  std::printf("C++ %.2f us, C %.2f us a frame: the C interface takes %.2f us\n", in_cpp, in_c, in_c - in_cpp);
}

}  // namespace
}  // namespace streamdiffusion::bench

int main(int count, char** arguments) {
  if (count != 2 || std::strncmp(arguments[1], "-", 1) == 0) {
    std::fputs("Usage: bench_c_interface FOLDER\n", stderr);
    return 2;
  }
  try {
    streamdiffusion::bench::measure(arguments[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
