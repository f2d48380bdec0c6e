#include "cli/checks.h"

#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <system_error>
#include <type_traits>

#include "settings/setting.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::cli {

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

template <typename Number>
CLI::Validator in_range(const Range<Number>& range) {
  const auto check = [range](const std::string& text) -> std::string {
    Number number{};
    if (parse_number(text, number) && range.contains(number)) {
      return "";
    }
    return "\"" + text + "\" is not " + (std::is_integral_v<Number> ? "an integer " : "a number ") +
           text_of(range);
  };
  return CLI::Validator(check, "");
}

CLI::Validator one_of(const std::vector<std::string>& names) {
  const auto check = [names](const std::string& text) -> std::string {
    std::string all;
    for (const std::string& name : names) {
      if (text == name) {
        return "";
      }
      all += (all.empty() ? "" : ", ") + name;
    }
    return "\"" + text + "\" is none of " + all;
  };
  return CLI::Validator(check, "");
}

CLI::Validator device_name() {
  const auto check = [](const std::string& text) -> std::string {
    const auto is_gpu_of = [&text](const std::string& api) {
      const std::string prefix = api + ":";
      int index = 0;
      return text == api || (text.starts_with(prefix) &&
                             parse_number(std::string_view(text).substr(prefix.size()), index) && index >= 0);
    };
    const bool is_cpu = text == "cpu" || text.starts_with("cpu:");
    if (text == "auto" || is_cpu || is_gpu_of("cuda") || is_gpu_of("vulkan")) {
      return "";
    }
    return "\"" + text + "\" is none of auto, cpu, cuda, cuda:N, vulkan, vulkan:N";
  };
  return CLI::Validator(check, "");
}

CLI::Validator seed() {
  const auto check = [](const std::string& text) -> std::string {
    const auto weighted = split_weight(text);
    const std::string& number = weighted ? weighted->first : text;
    std::uint64_t parsed = 0;
    if (number == "-1" || parse_number(std::string_view(number), parsed)) {
      return "";
    }
    return "\"" + text + "\" is not " + permitted_values(SeedSetting{}) +
           ", nor such a number with a weight: 7:0.5";
  };
  return CLI::Validator(check, "");
}

std::optional<std::pair<std::string, float>> split_weight(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  float weight = 0;
  if (colon == std::string::npos || !parse_number(std::string_view(text).substr(colon + 1), weight)) {
    return std::nullopt;
  }
  return std::pair(text.substr(0, colon), weight);
}

void check_utf8(const std::string& option, const std::string& text) {
  try {
    static_cast<void>(nlohmann::json(text).dump());
  } catch (const nlohmann::json::type_error&) {
    throw Error(option + " is not valid UTF-8; give it in a terminal or file that is set to UTF-8");
  }
}

template CLI::Validator in_range(const Range<int>&);
template CLI::Validator in_range(const Range<std::int64_t>&);
template CLI::Validator in_range(const Range<float>&);
template CLI::Validator in_range(const Range<double>&);
template bool parse_number(std::string_view, int&);
template bool parse_number(std::string_view, std::int64_t&);
template bool parse_number(std::string_view, std::uint64_t&);
template bool parse_number(std::string_view, float&);

}  // namespace streamdiffusion::cli
