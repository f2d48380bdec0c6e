#include "bench/parts.h"

namespace streamdiffusion::bench {

const std::vector<Part>& parts() {
  static const std::vector<Part> all = {
      {"steps", "denoising steps, image to image and text to image", measure_steps},
      {"guidance", "guidance none, self, initialize and full at 1 to 5 steps", measure_guidance},
      {"optimisations", "every optimisation of the paper switched off by itself", measure_optimisations},
      {"filter", "similarity filter on a still, a sometimes moving and a moving scene", measure_filter},
      {"queue", "pre- and post-processing on threads of their own and on the stream's", measure_queue},
      {"scaling", "threads, sizes, steps and frame buffers, with the arithmetic reached", measure_scaling},
      {"start", "process start to the first image, peak memory", measure_start},
  };
  return all;
}

}  // namespace streamdiffusion::bench
