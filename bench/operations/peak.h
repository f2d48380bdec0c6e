#pragma once

namespace streamdiffusion {

/// What the machine could do at best, measured on as many threads as the operations have.
struct Peak {
  double flops = 0;       ///< float32 operations a second, from registers alone
  double copy_bytes = 0;  ///< bytes a second, read and written, of a copy that no cache holds
};

/// `threads`: 0: one for each processor. Takes about half a second.
Peak measure_peak(int threads);

}  // namespace streamdiffusion
