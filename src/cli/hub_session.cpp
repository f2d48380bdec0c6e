#include "cli/hub_session.h"

#include <string>

#include "cli/progress.h"

namespace streamdiffusion::cli {

HubSession::HubSession(const Console& console)
    : line_(console.quiet()), options_(HubOptions::from_environment()) {
  options_.stop = &signals_.stop();
  options_.on_progress = [this](const HubProgress& progress) { show(progress); };
  options_.on_message = [this, console](const std::string& text) {
    line_.clear();
    console.info(text);
  };
}

void HubSession::show(const HubProgress& progress) {
  const double left = static_cast<double>(progress.total - progress.done);
  std::string text = progress.name + ": " + size_text(progress.done) + " of " + size_text(progress.total);
  if (progress.bytes_per_second > 0) {
    text += ", " + size_text(static_cast<std::int64_t>(progress.bytes_per_second)) + "/s, " +
            clock_text(left / progress.bytes_per_second) + " left";
  }
  line_.show(
      progress.total > 0 ? static_cast<double>(progress.done) / static_cast<double>(progress.total) : -1,
      text);
}

}  // namespace streamdiffusion::cli
