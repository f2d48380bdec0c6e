#include "server/viewers.h"

#include <utility>

namespace streamdiffusion::server {

std::shared_ptr<Viewers::Viewer> Viewers::watch(const std::string& session,
                                                const boost::asio::any_io_executor& executor) {
  std::erase_if(viewers_, [](const auto& entry) { return entry.second.expired(); });
  auto viewer = std::make_shared<Viewer>(executor);
  viewers_.emplace(session, viewer);
  return viewer;
}

bool Viewers::has_viewers(const std::string& session) const { return viewers_.contains(session); }

void Viewers::show_image(const std::string& session, std::vector<std::uint8_t> image) {
  const auto [first, last] = viewers_.equal_range(session);
  const auto shared = std::make_shared<const std::vector<std::uint8_t>>(std::move(image));
  for (auto entry = first; entry != last; ++entry) {
    if (const std::shared_ptr<Viewer> viewer = entry->second.lock()) {
      viewer->newest = shared;
      viewer->arrived.set();
    }
  }
}

}  // namespace streamdiffusion::server
