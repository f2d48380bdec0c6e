#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace streamdiffusion::posix {

struct GraphicsCard {
  std::string name;    ///< as its driver says, else maker and number
  std::string driver;  ///< empty: none
};

/// The graphics cards on the PCI bus of a Linux system, whose `/sys` and `/proc` lie in `root`; none where
/// the system does not tell.
std::vector<GraphicsCard> list_graphics_cards(const std::filesystem::path& root = "/");

}  // namespace streamdiffusion::posix
