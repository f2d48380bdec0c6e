// The functions of the C interface that run streams.

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "capi/errors.h"
#include "capi/handles.h"
#include "streamdiffusion/error.h"

using namespace streamdiffusion;
using capi::call;
using capi::require;

namespace {

template <typename View, typename Image>
View view_of(const Image& image) {
  if (image.type != SD_UINT8 && image.type != SD_FLOAT32) {
    throw ArgumentError("an image's type is " + std::to_string(image.type) +
                        ", must be SD_UINT8 or SD_FLOAT32");
  }
  return {.data = image.data,
          .width = image.width,
          .height = image.height,
          .stride = image.stride,
          .channels = image.channels,
          .type = image.type == SD_UINT8 ? PixelType::uint8 : PixelType::float32};
}

/// Returns the latents of an input or output frame.
template <typename Frame>
auto latents_of(const Frame& frame) {
  if (frame.latents != nullptr && frame.latent_count == 0) {
    throw ArgumentError("a frame has latents, but its latent_count is 0");
  }
  return std::span(frame.latents, frame.latents != nullptr ? frame.latent_count : 0);
}

InputFrame input_of(const sd_input_frame& frame) {
  InputFrame in(view_of<ImageView>(frame.image));
  in.latents = latents_of(frame);
  in.number = frame.number;
  in.time = std::chrono::microseconds(frame.time);
  return in;
}

OutputFrame output_of(const sd_output_frame& frame) {
  OutputFrame out(view_of<MutableImageView>(frame.image));
  out.latents = latents_of(frame);
  return out;
}

/// Refuses a wrong count before the caller's arrays are read.
void check_count(const sd_stream& stream, size_t count) {
  const auto wanted = static_cast<size_t>(stream.stream.options().frame_buffer_size);
  if (count != wanted) {
    throw ArgumentError("count is " + std::to_string(count) + ", must be the stream's frame_buffer_size, " +
                        std::to_string(wanted));
  }
}

std::span<const InputFrame> inputs(sd_stream& stream, const sd_input_frame* in, size_t count) {
  require(in, "in");
  stream.in.clear();
  for (size_t i = 0; i < count; ++i) {
    stream.in.push_back(input_of(in[i]));
  }
  return stream.in;
}

std::span<OutputFrame> outputs(sd_stream& stream, const sd_output_frame* out, size_t count) {
  require(out, "out");
  stream.out.clear();
  for (size_t i = 0; i < count; ++i) {
    stream.out.push_back(output_of(out[i]));
  }
  return stream.out;
}

/// Copies the numbers and times of finished frames to the caller's.
void write_labels(const sd_stream& stream, size_t finished, sd_output_frame* out) {
  for (size_t i = 0; i < finished; ++i) {
    out[i].number = stream.out[i].number;
    out[i].time = stream.out[i].time.count();
  }
}

/// Runs a step that takes no input and returns the number of finished frames.
template <typename Step>
sd_status run_step(sd_stream* stream, sd_output_frame* out, size_t count, size_t* finished, sd_error* error,
                   Step&& step) {
  return call(error, [&] {
    require(stream, "stream");
    const size_t frames = step(stream->stream, outputs(*stream, out, count));
    write_labels(*stream, frames, out);
    if (finished != nullptr) {
      *finished = frames;
    }
  });
}

/// Runs a step that takes no input and writes frame_buffer_size frames.
template <typename Step>
sd_status run_buffer(sd_stream* stream, sd_output_frame* out, size_t count, size_t* finished, sd_error* error,
                     Step&& step) {
  const sd_status status = call(error, [&] {
    require(stream, "stream");
    check_count(*stream, count);
  });
  return status == SD_OK ? run_step(stream, out, count, finished, error, std::forward<Step>(step)) : status;
}

}  // namespace

sd_status sd_stream_step(sd_stream* stream, const sd_input_frame* in, sd_output_frame* out, size_t count,
                         size_t* finished, int32_t* skipped, sd_error* error) {
  return call(error, [&] {
    require(stream, "stream");
    check_count(*stream, count);
    const StepResult result = stream->stream.step(inputs(*stream, in, count), outputs(*stream, out, count));
    write_labels(*stream, result.finished, out);
    if (finished != nullptr) {
      *finished = result.finished;
    }
    if (skipped != nullptr) {
      *skipped = result.skipped ? 1 : 0;
    }
  });
}

sd_status sd_stream_drain(sd_stream* stream, sd_output_frame* out, size_t count, size_t* finished,
                          sd_error* error) {
  return run_buffer(stream, out, count, finished, error,
                    [](Stream& of, std::span<OutputFrame> frames) { return of.drain(frames); });
}

sd_status sd_stream_generate(sd_stream* stream, sd_output_frame* out, size_t count, size_t* finished,
                             sd_error* error) {
  return run_buffer(stream, out, count, finished, error,
                    [](Stream& of, std::span<OutputFrame> frames) { return of.generate(frames); });
}

sd_status sd_stream_generate_image(sd_stream* stream, const sd_input_frame* in, sd_output_frame* out,
                                   sd_error* error) {
  return run_step(stream, out, 1, nullptr, error, [&](Stream& of, std::span<OutputFrame> frames) {
    if (in != nullptr) {
      of.generate_image(input_of(*in), frames.front());
    } else {
      of.generate_image(frames.front());
    }
    return frames.size();
  });
}

sd_status sd_stream_generate_images(sd_stream* stream, const uint32_t* variations, sd_output_frame* out,
                                    size_t count, sd_error* error) {
  return run_step(stream, out, count, nullptr, error, [&](Stream& of, std::span<OutputFrame> frames) {
    require(variations, "variations");
    of.generate_images({variations, count}, frames);
    return count;
  });
}

sd_status sd_stream_encode(sd_stream* stream, const sd_input_image* image, float* latents,
                           size_t latent_count, sd_error* error) {
  return call(error, [&] {
    require(stream, "stream");
    require(image, "image");
    require(latents, "latents");
    stream->stream.encode(view_of<ImageView>(*image), {latents, latent_count});
  });
}

sd_status sd_stream_decode(sd_stream* stream, const float* latents, size_t latent_count,
                           const sd_output_image* image, sd_error* error) {
  return call(error, [&] {
    require(stream, "stream");
    require(latents, "latents");
    require(image, "image");
    stream->stream.decode({latents, latent_count}, view_of<MutableImageView>(*image));
  });
}

sd_status sd_step_streams(sd_stream_step_arguments* steps, size_t count, sd_error* error) {
  return call(error, [&] {
    require(steps, "steps");
    std::vector<StreamStep> own;
    for (const sd_stream_step_arguments& step : std::span(steps, count)) {
      require(step.stream, "stream");
      check_count(*step.stream, step.count);
      own.push_back({.stream = &step.stream->stream,
                     .in = inputs(*step.stream, step.in, step.count),
                     .out = outputs(*step.stream, step.out, step.count)});
    }
    step_streams(own);
    for (size_t i = 0; i < count; ++i) {
      steps[i].finished = own[i].result.finished;
      steps[i].skipped = own[i].result.skipped ? 1 : 0;
      write_labels(*steps[i].stream, steps[i].finished, steps[i].out);
    }
  });
}
