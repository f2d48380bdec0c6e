#pragma once

namespace streamdiffusion {

/// The machine's peak rates, measured on as many threads as the operations have.
struct Peak {
  double flops = 0;       ///< float32 operations per second with all operands in registers.
  double copy_bytes = 0;  ///< Bytes read and written per second by a copy of 192 MiB.
};

/// Measures the peak rates, in about half a second. `threads` 0: one for each processor.
Peak measure_peak(int threads);

}  // namespace streamdiffusion
