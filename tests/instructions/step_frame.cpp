// Steps frames of the default model through a stream on one thread. test_frame.py runs it in Valgrind, which
// counts the instructions of `step_counted_frame`.
//   step_frame MODEL PRECISION

#include <cstdio>
#include <exception>
#include <memory>
#include <vector>

#include "streamdiffusion/frame_stream.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/stream.h"

using namespace streamdiffusion;

/// The function whose instructions are counted. It is not inlined, so that Valgrind finds it by name.
extern "C" __attribute__((noinline)) void step_counted_frame(FrameStream& frames,
                                                             const std::vector<Frame>& in,
                                                             std::vector<Frame>& out) {
  frames.step(in, out);
}

namespace {

constexpr int kSize = 128;

Frame make_frame() {
  Frame frame;
  frame.resize(kSize, kSize);
  for (std::size_t i = 0; i < frame.pixels.size(); ++i) {
    frame.pixels[i] = static_cast<std::uint8_t>(i * 7 + i / 997);
  }
  return frame;
}

void run(const char* model_folder, const char* precision) {
  const std::shared_ptr<Model> model =
      Model::load({.path = model_folder, .precision = precision, .threads = 1});
  std::printf("%s\n", model->info().instruction_set.c_str());
  Parameters parameters;
  parameters.prompt = "red apple";
  parameters.t_index_list = {25, 37};
  Stream stream(model, {.width = kSize, .height = kSize}, parameters);
  const std::vector<Frame> in = {make_frame()};
  std::vector<Frame> out;
  FrameStream frames(stream);
  frames.step(in, out);  // Allocates memory; no frame comes out yet.
  step_counted_frame(frames, in, out);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) {
      std::fprintf(stderr, "usage: step_frame MODEL PRECISION\n");
      return 2;
    }
    run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "step_frame: %s\n", error.what());
    return 1;
  }
  return 0;
}
