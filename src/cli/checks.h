#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace streamdiffusion::cli {

// Checks of options' values, with messages for people. They leave --help alone, where CLI11 shows its own
// ones behind the option's type.

/// A number of the type of `low`, from `low` to `high`.
template <typename Number>
CLI::Validator in_range(Number low, Number high);

/// One of the names.
CLI::Validator one_of(const std::vector<std::string>& names);

/// What computes: auto, cpu, cuda or cuda:N.
CLI::Validator device_name();

/// A seed, 0 or higher or -1, or with a weight behind a colon.
CLI::Validator seed();

/// What is before and behind the last colon of a text, where a number is behind it.
std::optional<std::pair<std::string, float>> split_weight(const std::string& text);

/// The whole text as a number; false where it is none.
template <typename Number>
bool parse_number(std::string_view text, Number& number);

/// Throws Error, naming the option, where the text is not UTF-8.
void check_utf8(const std::string& option, const std::string& text);

}  // namespace streamdiffusion::cli
