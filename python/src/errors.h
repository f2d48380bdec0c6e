#pragma once

namespace streamdiffusion::python {

/// Turns the library's exceptions into those of streamdiffusion_cpp. Each of the extension modules calls it
/// once.
void register_errors();

}  // namespace streamdiffusion::python
