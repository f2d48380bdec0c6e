#include "server/outbox.h"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace streamdiffusion::server {

namespace {

// Messages for a client that does not read. Answers of a few hundred bytes take 100 KB then.
constexpr std::size_t kCrowd = 200;

bool is_stream_image(const Outbox::Item& item) {
  const auto* answer = std::get_if<FrameAnswer>(&item);
  return answer != nullptr && answer->state == FrameState::image && !answer->is_text_to_image;
}

}  // namespace

void Outbox::send(std::string message) { put(std::move(message)); }

void Outbox::send(FrameAnswer answer) { put(std::move(answer)); }

void Outbox::put(Item item) {
  const std::lock_guard lock(mutex_);
  if (is_stream_image(item)) {
    const auto older = std::ranges::find_if(items_, is_stream_image);
    if (older != items_.end()) {
      auto& answer = std::get<FrameAnswer>(*older);
      answer.state = FrameState::dropped;
      answer.image.clear();
    }
  }
  items_.push_back(std::move(item));
  if (items_.size() == 1) {
    boost::asio::post(executor_, [self = shared_from_this()] { self->filled_.set(); });
  }
}

std::optional<Outbox::Item> Outbox::take() {
  const std::lock_guard lock(mutex_);
  if (items_.empty()) {
    return std::nullopt;
  }
  Item item = std::move(items_.front());
  items_.pop_front();
  return item;
}

bool Outbox::is_crowded() const {
  const std::lock_guard lock(mutex_);
  return items_.size() > kCrowd;
}

}  // namespace streamdiffusion::server
