#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace streamdiffusion::cli {

/// Adds an option that takes one value. `type` stands for the value in --help, which shows `value` as the
/// default.
template <typename T>
CLI::Option* add_option(CLI::App& app, const std::string& name, T& value, const std::string& type,
                        const std::string& help) {
  return app.add_option(name, value, help)->type_name(type)->capture_default_str();
}

/// Adds an option that may be given several times, each time with one value. There is none by default.
inline CLI::Option* add_repeatable_option(CLI::App& app, const std::string& name,
                                          std::vector<std::string>& values, const std::string& type,
                                          const std::string& help) {
  return app.add_option(name, values, help)
      ->type_name(type)
      ->take_all()
      ->allow_extra_args(false)
      ->default_str("none");
}

}  // namespace streamdiffusion::cli
