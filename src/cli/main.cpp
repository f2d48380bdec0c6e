#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/common_options.h"
#include "cli/config_file.h"
#include "cli/console.h"
#include "cli/help_formatter.h"
#include "cli/hub_session.h"
#include "cli/presets.h"
#include "posix/signals.h"
#include "streamdiffusion/version.h"

namespace streamdiffusion::cli {
namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int kSignal = 128;

/// The end of a message that refers to the help of the chosen command.
std::string see_help(const CLI::App& program) {
  const std::vector<const CLI::App*> chosen = program.get_subcommands({});
  for (const CLI::App* command : chosen) {
    if (command->parsed()) {
      return "; see streamdiffusion " + command->get_name() + " --help";
    }
  }
  return "; see streamdiffusion --help";
}

/// Throws UsageError if an argument where a command is expected names no command.
void check_command(const CLI::App& program, std::span<char* const> arguments) {
  const CLI::App* app = &program;
  for (const std::string_view argument : arguments) {
    const std::vector<const CLI::App*> commands = app->get_subcommands({});
    if (commands.empty() || argument.starts_with('-')) {
      return;
    }
    const auto found = std::ranges::find(commands, argument, &CLI::App::get_name);
    if (found == commands.end()) {
      std::string names;
      for (const CLI::App* command : commands) {
        names += (names.empty() ? "" : ", ") + command->get_name();
      }
      throw UsageError("\"" + std::string(argument) + "\" is not a command; commands are " + names);
    }
    app = *found;
  }
}

/// Returns a hint at an option that begins with a typographic dash, which word processors and web pages put
/// in place of hyphens; empty if there is none.
std::string dash_hint(std::span<char* const> arguments) {
  for (const std::string_view argument : arguments) {
    for (const std::string_view dash : {"\u2013", "\u2014", "\u2212"}) {
      const std::string name(argument.substr(std::min(dash.size(), argument.size())));
      if (argument.starts_with(dash) && !name.empty() &&
          std::isalpha(static_cast<unsigned char>(name.front())) != 0 &&
          name.find(' ') == std::string::npos) {
        return "; " + std::string(argument) +
               " begins with a typographic dash, options with hyphens: " + (name.size() > 1 ? "--" : "-") +
               name;
      }
    }
  }
  return "";
}

/// The value of an option; empty if the command does not have it or it was not given.
std::string option_text(const CLI::App& command, const std::string& name) {
  const CLI::Option* const option = command.get_option_no_throw(name);
  return option != nullptr && option->count() > 0 ? option->as<std::string>() : "";
}

int run_chosen(const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    if (!command.app->parsed()) {
      continue;
    }
    if (const std::string file = option_text(*command.app, "--config"); !file.empty()) {
      apply_config(*command.app, file);
    }
    if (const std::string preset = option_text(*command.app, "--preset"); !preset.empty()) {
      apply_preset(*command.app, preset);
    }
    return command.run();
  }
  throw UsageError("a command is missing");
}

int run_program(int argc, char** argv) {
  CLI::App program(
      "Redraws videos and images according to a prompt by diffusion, in real time where the machine can.",
      "streamdiffusion");
  program.formatter(std::make_shared<HelpFormatter>());
  program.set_help_flag("-h,--help", "show this help");
  program.set_version_flag("--version", "streamdiffusion " + version(), "show the version");
  const std::vector<Command> commands = {add_txt2img(program), add_img2img(program), add_run(program),
                                         add_serve(program),   add_models(program),  add_devices(program),
                                         add_bench(program)};
  program.footer(
      "streamdiffusion COMMAND --help shows a command's options.\n\n"
      "Examples:\n"
      "  streamdiffusion txt2img \"red apple\" --output apple.png\n"
      "  streamdiffusion img2img photo.jpg \"cat face\" --output cat.png\n"
      "  streamdiffusion run in.mp4 out.mp4 --prompt \"panda on a pink background\"");
  const std::span<char* const> arguments(argv + std::min(argc, 1), argv + argc);
  try {
    check_command(program, arguments);
    program.parse(argc, argv);
    return run_chosen(commands);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return program.exit(error);
    }
    Console::error(error.what() + dash_hint(arguments) + see_help(program));
    return kUsage;
  } catch (const UsageError& error) {
    Console::error(error.what() + dash_hint(arguments) + see_help(program));
    return kUsage;
  }
}

}  // namespace
}  // namespace streamdiffusion::cli

int main(int argc, char** argv) {
  using streamdiffusion::cli::Console;
  try {
    streamdiffusion::posix::ignore_broken_pipes();
    return streamdiffusion::cli::run_program(argc, argv);
  } catch (const streamdiffusion::cli::Interrupted& interrupted) {
    Console::error(interrupted.what());
    return streamdiffusion::cli::kSignal + interrupted.signal();
  } catch (const std::bad_alloc&) {
    Console::error("not enough memory; try a smaller size or frame buffer");
  } catch (const std::exception& error) {
    Console::error(error.what());
  }
  return streamdiffusion::cli::kFailure;
}
