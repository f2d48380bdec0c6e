#pragma once

#include <memory>

#include "model/networks/unet_rows.h"

namespace streamdiffusion {

/// A copy of a prompt's keys and values at a stable address. A new prompt with as many tokens overwrites the
/// same memory, so a device that has recorded a step can repeat it.
class TextContextSlot {
 public:
  /// Copies the keys and values of `text`, unless it is the current one.
  void set(Device& device, const std::shared_ptr<const TextContext>& text);

  [[nodiscard]] const TextContext* text() const { return &copy_; }

 private:
  std::shared_ptr<const TextContext> original_;
  TextContext copy_;
};

}  // namespace streamdiffusion
