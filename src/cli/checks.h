#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "settings/range.h"

namespace streamdiffusion::cli {

// Validators of option values with readable messages. Unlike CLI11's own validators they add nothing to
// --help.

/// Accepts the numbers of a range.
template <typename Number>
CLI::Validator in_range(const Range<Number>& range);

/// Accepts numbers from `low` to `high`, both included.
template <typename Number>
CLI::Validator in_range(Number low, Number high) {
  return in_range(Range<Number>{low, high});
}

/// Accepts one of the names.
CLI::Validator one_of(const std::vector<std::string>& names);

/// Accepts the name of a compute device: auto, cpu, cpu:..., cuda, cuda:N, vulkan or vulkan:N.
CLI::Validator device_name();

/// Accepts a seed, or -1, optionally followed by a colon and a weight.
CLI::Validator seed();

/// Splits "TEXT:WEIGHT" at the last colon. Returns nothing unless a number follows it.
std::optional<std::pair<std::string, float>> split_weight(const std::string& text);

/// Parses the whole text as a number. Returns false if it is not one.
template <typename Number>
bool parse_number(std::string_view text, Number& number);

/// Throws Error, which names the option, if the text is not UTF-8.
void check_utf8(const std::string& option, const std::string& text);

}  // namespace streamdiffusion::cli
