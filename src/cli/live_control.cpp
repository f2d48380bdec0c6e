#include "cli/live_control.h"

#include <array>
#include <sstream>

#include "control/settings_json.h"
#include "control/typed_line.h"
#include "posix/signals.h"

namespace streamdiffusion::cli {
namespace {

/// The fields of a change with their values in effect; a seed of -1 is replaced by the one drawn.
std::string changes_text(const nlohmann::json& fields, const Settings& settings) {
  const nlohmann::json all = to_json(settings);
  std::string text;
  for (const auto& item : fields.items()) {
    text += (text.empty() ? "" : ", ") + item.key() + " " + all.at(item.key()).dump();
  }
  return text;
}

}  // namespace

LiveControl::LiveControl(const Settings& settings, const Inputs& inputs, const Console& console)
    : console_(console), settings_(settings) {
  if (!inputs.file.empty()) {
    file_.emplace(inputs.file);
    poll_file();
  }
  if (inputs.lines) {
    lines_.emplace(posix::Descriptor::standard_input());
    if (posix::stdin_is_terminal() && posix::stderr_is_terminal() && !console.quiet()) {
      keys_ = std::make_unique<posix::CharacterModeTerminal>();
      console_.info("type a new prompt, or /help");
    }
  }
}

std::optional<std::string> LiveControl::typed() const {
  return keys_ ? std::optional(editor_.text()) : std::nullopt;
}

void LiveControl::poll() {
  poll_file();
  poll_lines();
}

void LiveControl::poll_file() {
  if (!file_) return;
  try {
    if (const std::optional<nlohmann::json> fields = file_->poll()) apply(*fields);
  } catch (const Error& error) {
    refuse(error.what());
  }
}

void LiveControl::poll_lines() {
  const auto take = [this](const std::string& line) { take_line(line); };
  std::array<char, 4096> bytes;
  while (lines_ && posix::can_read_stdin() && lines_->wait(std::chrono::milliseconds(0))) {
    const std::optional<std::size_t> count = lines_->read(bytes);
    if (!count) return;
    if (*count > 0) {
      editor_.feed({bytes.data(), *count}, take);
    } else {
      editor_.end(take);
      lines_.reset();
    }
  }
}

void LiveControl::take_line(const std::string& line) {
  try {
    const TypedLine typed = parse_typed_line(line);
    switch (typed.kind) {
      case TypedLine::Kind::nothing:
        break;
      case TypedLine::Kind::change:
        apply(typed.fields);
        break;
      case TypedLine::Kind::help: {
        std::istringstream help(typed_line_help());
        for (std::string text; std::getline(help, text);) console_.info(text);
        break;
      }
      case TypedLine::Kind::show:
        console_.info(to_json(settings_.newest()).dump());
        break;
      case TypedLine::Kind::quit:
        posix::request_stop();
        break;
    }
  } catch (const Error& error) {
    refuse(error.what());
  }
}

void LiveControl::apply(const nlohmann::json& fields) {
  const Settings settings = settings_.apply(fields);
  if (const std::string text = changes_text(fields, settings); !text.empty()) console_.info(text);
}

void LiveControl::refuse(const std::string& reason) const {
  console_.warning(reason + "; the settings stay as they were");
}

void LiveControl::change(Stream& stream) {
  try {
    settings_.hand_over([&](const Settings& next) { stream.set_parameters(make_parameters(next)); });
  } catch (const Error& error) {
    refuse(error.what());
  }
}

}  // namespace streamdiffusion::cli
