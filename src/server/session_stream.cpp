#include "server/session_stream.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

namespace {

/// Stream parameters for text to image, which begins from pure noise whatever the strength is.
Parameters text_parameters(Settings settings) {
  settings.strength = 1;
  return make_parameters(settings);
}

}  // namespace

SessionStream::SessionStream(std::shared_ptr<Model> model, Settings settings, StreamSettings stream_settings,
                             Deliver deliver)
    : model_(std::move(model)),
      settings_(std::move(settings)),
      stream_settings_(std::move(stream_settings)),
      deliver_(std::move(deliver)) {}

std::unique_ptr<Stream> SessionStream::make_stream(const std::shared_ptr<Model>& model,
                                                   const StreamSettings& stream_settings,
                                                   const Parameters& parameters) {
  return std::make_unique<Stream>(model,
                                  StreamOptions{.width = stream_settings.width,
                                                .height = stream_settings.height,
                                                .frame_buffer_size = stream_settings.frame_buffer,
                                                .use_denoising_batch = stream_settings.denoising_batch},
                                  parameters);
}

void SessionStream::set_settings(const Settings& settings) {
  Settings next = settings;
  const Parameters parameters = make_parameters(settings);
  const Parameters for_text = text_parameters(settings);
  if (!image_stream_) {  // Reports settings that the model cannot use now, not at the first frame.
    image_stream_ = make_stream(model_, stream_settings_, parameters);
  } else {
    image_stream_->set_parameters(parameters);
  }
  settings_ = std::move(next);
  if (text_stream_) {
    try {
      text_stream_->set_parameters(for_text);
    } catch (const DeviceLost&) {
      throw;
    } catch (const std::exception&) {
      text_stream_.reset();  // The next frame makes a new one, or is answered with the error.
    }
  }
}

void SessionStream::set_stream(std::shared_ptr<Model> model, const Settings& settings,
                               const StreamSettings& stream_settings) {
  Settings next = settings;
  StreamSettings next_stream = stream_settings;
  std::unique_ptr<Stream> stream = make_stream(model, stream_settings, make_parameters(settings));
  // Nothing below throws.
  image_stream_ = std::move(stream);
  text_stream_.reset();
  model_ = std::move(model);
  settings_ = std::move(next);
  stream_settings_ = std::move(next_stream);
  drop_all();
}

StreamStep SessionStream::begin_step(std::vector<Input> inputs) {
  if (!image_stream_) {
    image_stream_ = make_stream(model_, stream_settings_, make_parameters(settings_));
  }
  inputs_ = std::move(inputs);
  in_.resize(inputs_.size());
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    in_[i] = std::move(inputs_[i].frame);
    in_[i].number = next_number_++;
  }
  image_frames_.emplace(*image_stream_);
  return image_frames_->begin_step(in_, out_);
}

void SessionStream::end_step(const StreamStep& step) {
  image_frames_->end_step(step.result, out_);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (!inputs_[i].arrival) {
      continue;
    }
    if (step.result.skipped) {
      deliver_(FrameState::skipped, *inputs_[i].arrival, nullptr);
    } else {
      frames_in_flight_.push_back({in_[i].number, *inputs_[i].arrival});
    }
  }
  inputs_.clear();
  if (!step.result.skipped) {
    deliver_frames(out_);
  }
}

void SessionStream::drain() {
  FrameStream(*image_stream_).drain(out_);
  deliver_frames(out_);
  if (!image_stream_->in_flight()) {
    drop_all();  // Frames whose rows a change of parameters removed from the batch.
  }
}

void SessionStream::deliver_frames(const std::vector<Frame>& frames) {
  for (const Frame& frame : frames) {
    while (!frames_in_flight_.empty() && frames_in_flight_.front().number < frame.number) {
      deliver_(FrameState::dropped, frames_in_flight_.front().arrival, nullptr);
      frames_in_flight_.pop_front();
    }
    if (!frames_in_flight_.empty() && frames_in_flight_.front().number == frame.number) {
      deliver_(FrameState::image, frames_in_flight_.front().arrival, &frame);
      frames_in_flight_.pop_front();
    }
  }
}

void SessionStream::make_text_images(const std::vector<Arrival>& arrivals) {
  if (!text_stream_) {
    StreamSettings one = stream_settings_;
    one.frame_buffer = 1;
    text_stream_ = make_stream(model_, one, text_parameters(settings_));
  }
  std::vector<std::uint32_t> variations;
  for (const Arrival& arrival : arrivals) {
    variations.push_back(arrival.tag.variation);
  }
  FrameStream(*text_stream_).generate_images(variations, out_);
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    deliver_(FrameState::image, arrivals[i], &out_[i]);
  }
}

void SessionStream::drop_all() {
  for (const Tagged& tagged : frames_in_flight_) {
    deliver_(FrameState::dropped, tagged.arrival, nullptr);
  }
  frames_in_flight_.clear();
}

void SessionStream::reset() {
  drop_all();
  for (const Input& input : std::exchange(inputs_, {})) {
    if (input.arrival) {
      deliver_(FrameState::dropped, *input.arrival, nullptr);
    }
  }
  image_stream_.reset();
  text_stream_.reset();
}

}  // namespace streamdiffusion::server
