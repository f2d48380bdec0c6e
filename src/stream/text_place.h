#pragma once

#include <memory>

#include "model/networks/unet_rows.h"

namespace streamdiffusion {

/// A prompt's keys and values in memory of their own. Another prompt of as many tokens comes to the same
/// place, so that a device which has recorded a step can repeat it.
class TextPlace {
 public:
  /// Copies them, where they are not there already.
  void set(Device& device, const std::shared_ptr<const TextContext>& text);

  [[nodiscard]] const TextContext* text() const { return &copy_; }

 private:
  std::shared_ptr<const TextContext> original_;
  TextContext copy_;
};

}  // namespace streamdiffusion
