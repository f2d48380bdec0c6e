#include "posix/graphics_cards.h"

#include <algorithm>
#include <fstream>
#include <system_error>

namespace streamdiffusion::posix {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

std::string maker(const std::string& vendor) {
  if (vendor == "0x10de") return "NVIDIA";
  if (vendor == "0x1002") return "AMD";
  if (vendor == "0x8086") return "Intel";
  return vendor;
}

/// Reads the card's name from NVIDIA's driver, in the line "Model: 		 NVIDIA H200".
std::string nvidia_model(const fs::path& information) {
  std::ifstream stream(information);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with("Model:")) continue;
    const std::size_t begin = line.find_first_not_of(" \t", line.find(':') + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

bool is_display(const fs::path& device) { return first_line(device / "class").starts_with("0x03"); }

}  // namespace

std::vector<GraphicsCard> list_graphics_cards(const fs::path& root) {
  std::error_code error;
  std::vector<fs::path> devices;
  for (const fs::directory_entry& entry : fs::directory_iterator(root / "sys/bus/pci/devices", error)) {
    if (is_display(entry.path())) devices.push_back(entry.path());
  }
  std::ranges::sort(devices);
  std::vector<GraphicsCard> cards;
  for (const fs::path& device : devices) {
    GraphicsCard card;
    card.name = nvidia_model(root / "proc/driver/nvidia/gpus" / device.filename() / "information");
    if (card.name.empty())
      card.name = maker(first_line(device / "vendor")) + " " + first_line(device / "device");
    card.driver = fs::read_symlink(device / "driver", error).filename().string();
    cards.push_back(card);
  }
  return cards;
}

}  // namespace streamdiffusion::posix
