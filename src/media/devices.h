#pragma once

#include <string>
#include <vector>

namespace streamdiffusion {

/// A camera or screen that a live source can be opened with.
struct InputDevice {
  std::string input;  ///< Value of SourceOptions::input.
  std::string name;   ///< Readable name.
  int width = 0;      ///< Pixels; 0: not known.
  int height = 0;     ///< Pixels; 0: not known.
};

/// Lists the system's cameras, including virtual ones that a program writes to.
std::vector<InputDevice> list_cameras();

/// Lists the screen that DISPLAY names, if it can be read.
std::vector<InputDevice> list_screens();

}  // namespace streamdiffusion
