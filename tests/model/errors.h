#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

/// Expects that `run` throws an Error whose message contains all of `parts`.
template <typename F>
void expect_error(F&& run, const std::vector<std::string>& parts) {
  try {
    run();
    ADD_FAILURE() << "no Error";
  } catch (const Error& error) {
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
          << error.what() << "\nlacks: " << part;
    }
  }
}

}  // namespace streamdiffusion
