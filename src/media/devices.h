#pragma once

#include <string>
#include <vector>

namespace streamdiffusion {

/// Something that a live source can be opened with.
struct InputDevice {
  std::string input;  ///< for SourceOptions
  std::string name;   ///< for people
  int width = 0;      ///< 0: not known
  int height = 0;
};

/// The cameras that the system has; virtual ones that somebody writes to among them.
std::vector<InputDevice> list_cameras();

/// The screen that DISPLAY names, where it can be read.
std::vector<InputDevice> list_screens();

}  // namespace streamdiffusion
