#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace streamdiffusion::posix {

struct GraphicsCard {
  std::string name;    ///< Name that the driver reports, or the maker and the PCI device number.
  std::string driver;  ///< Name of the kernel driver, or empty.
};

/// Lists the graphics cards on the PCI bus of a Linux system, whose `/sys` and `/proc` are in `root`. The
/// list is empty on other systems.
std::vector<GraphicsCard> list_graphics_cards(const std::filesystem::path& root = "/");

}  // namespace streamdiffusion::posix
