#include "media/devices.h"

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "posix/graphics_cards.h"
#include "streamdiffusion/devices.h"

namespace streamdiffusion::cli {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const std::vector<InputDevice>& devices) {
  Json list = Json::array();
  for (const InputDevice& device : devices) {
    Json json = {{"input", device.input}, {"name", device.name}};
    if (device.width > 0) {
      json["width"] = device.width;
      json["height"] = device.height;
    }
    list.push_back(json);
  }
  return list;
}

Json to_json(const std::vector<posix::GraphicsCard>& cards) {
  Json list = Json::array();
  for (const posix::GraphicsCard& card : cards) {
    list.push_back({{"name", card.name}, {"driver", card.driver}});
  }
  return list;
}

void print(const char* title, const std::vector<InputDevice>& devices, const char* if_none) {
  std::printf("%s\n", title);
  for (const InputDevice& device : devices) {
    std::string size;
    if (device.width > 0) {
      size = ", " + std::to_string(device.width) + "x" + std::to_string(device.height);
    }
    std::printf("  %-14s %s%s\n", device.input.c_str(), device.name.c_str(), size.c_str());
  }
  if (devices.empty()) {
    std::printf("  %s\n", if_none);
  }
}

void print(const std::vector<posix::GraphicsCard>& cards) {
  std::printf("GPUs\n");
  for (const posix::GraphicsCard& card : cards) {
    std::printf("  %s (%s)\n", card.name.c_str(), card.driver.empty() ? "no driver" : card.driver.c_str());
  }
  if (cards.empty()) {
    std::printf("  none\n");
  }
}

void print(const ComputeDevices& devices) {
  std::printf("What computes (--device)\n  %-14s %s\n", "cpu", "this machine's processors");
  for (const ComputeDevice& gpu : devices.gpus) {
    std::printf("  %-14s %s, %.0f GB%s\n", gpu.device.c_str(), gpu.name.c_str(),
                static_cast<double>(gpu.memory_bytes) / 1e9,
                gpu.is_software ? " (computes on the CPU, slowly: for tests)" : "");
  }
  for (const auto& [api, problem] :
       {std::pair{"cuda", devices.cuda_problem}, std::pair{"vulkan", devices.vulkan_problem}}) {
    if (!problem.empty()) {
      std::printf("  %-14s no: %s\n", api, problem.c_str());
    }
  }
}

Json to_json(const ComputeDevices& devices) {
  Json list = Json::array({{{"device", "cpu"}}});
  for (const ComputeDevice& gpu : devices.gpus) {
    list.push_back({{"device", gpu.device},
                    {"name", gpu.name},
                    {"memory_bytes", gpu.memory_bytes},
                    {"compute_capability", gpu.compute_capability},
                    {"driver", gpu.driver},
                    {"is_discrete", gpu.is_discrete},
                    {"is_software", gpu.is_software}});
  }
  return list;
}

int list(bool as_json) {
  const std::vector<InputDevice> cameras = list_cameras();
  const std::vector<InputDevice> screens = list_screens();
  const std::vector<posix::GraphicsCard> cards = posix::list_graphics_cards();
  const ComputeDevices compute = list_compute_devices();
  if (as_json) {
    const Json json = {{"cameras", to_json(cameras)},
                       {"screens", to_json(screens)},
                       {"gpus", to_json(cards)},
                       {"compute", to_json(compute)},
                       {"cuda_problem", compute.cuda_problem},
                       {"vulkan_problem", compute.vulkan_problem}};
    std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    return 0;
  }
  print("Cameras", cameras, "none (they are /dev/video*; reading them may take the group \"video\")");
  print("Screens (a part of one: screen:640x480+100+50)", screens,
        "none (DISPLAY names no X server that can be read)");
  print(cards);
  print(compute);
  return 0;
}

}  // namespace

Command add_devices(CLI::App& program) {
  const auto as_json = std::make_shared<bool>(false);
  CLI::App* const app = program.add_subcommand("devices", "List cameras, screens, GPUs and what can compute");
  app->add_flag("--json", *as_json, "print JSON");
  app->footer(
      "The names in front of cameras and screens are inputs of run.\n\n"
      "Examples:\n"
      "  streamdiffusion devices\n"
      "  streamdiffusion run /dev/video0 window --prompt \"cat face\"");
  return {app, [as_json] { return list(*as_json); }};
}

}  // namespace streamdiffusion::cli
