#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace streamdiffusion::cli {

/// Formats --help: each option's default follows its text, and lines are at most 100 columns wide.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
};

}  // namespace streamdiffusion::cli
