#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace streamdiffusion::server {

/// Reads an image file of tests/media/data. alpha.png is opaque at the top and half transparent at the
/// bottom.
inline std::vector<std::uint8_t> read_image_fixture(const std::string& name) {
  std::ifstream stream(std::filesystem::path(PROJECT_FOLDER) / "tests/media/data" / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace streamdiffusion::server
