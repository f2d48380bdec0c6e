#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "device/device.h"

// The plans of the layers that published models consist of: the default model, Stable Diffusion 1.5 and
// SD-Turbo (their UNets have the same convolutions), TAESD and AutoencoderKL, with a few of other shapes.
namespace streamdiffusion::cpu {

/// A layer without weights. The side is that of the images the layer is for; 0: unknown.
constexpr HostConv2d conv(std::int64_t in, std::int64_t out, std::int64_t side = 0) {
  return {
      .weight = {}, .bias = {}, .out_channels = out, .in_channels = in, .kernel = 3, .typical_size = side};
}
constexpr HostConv2d resampling(HostConv2d layer, Resample resample, std::int64_t kernel) {
  layer.resample = resample;
  layer.kernel = kernel;
  return layer;
}
constexpr HostConv2d down(std::int64_t in, std::int64_t out, std::int64_t side) {
  return resampling(conv(in, out, side), Resample::down, 3);
}
constexpr HostConv2d up(std::int64_t in, std::int64_t out, std::int64_t side) {
  return resampling(conv(in, out, side), Resample::up, 3);
}
constexpr HostConv2d conv1x1(std::int64_t in, std::int64_t out, std::int64_t side) {
  return resampling(conv(in, out, side), Resample::none, 1);
}
constexpr HostConv2d conv5x5(std::int64_t in, std::int64_t out) {
  return resampling(conv(in, out), Resample::none, 5);
}
constexpr HostConv2d down5x5(std::int64_t in, std::int64_t out) {
  return resampling(conv(in, out), Resample::down, 5);
}
constexpr HostConv2d up5x5(std::int64_t in, std::int64_t out) {
  return resampling(conv(in, out), Resample::up, 5);
}

/// A plan as text for each kind of processor: the algorithm, its number format, and which one computes other
/// sizes. "from 64" means outputs of at least 64 pixels, "pieces" that threads may compute pieces alone.
struct PlansOfProcessors {
  std::string_view without_integers;  ///< Without fast products of int8 and int16: NEON, scalar code.
  std::string_view with_integers;     ///< AVX2 and AVX-512, with or without VNNI.
  std::string_view with_bf16;         ///< AVX-512 with VNNI and AVX512_BF16.
  std::string_view with_amx;          ///< The same with AMX.
};
constexpr PlansOfProcessors everywhere(std::string_view plan) { return {plan, plan, plan, plan}; }

/// Layers that have the same plans. In float32 they are the same on all processors.
struct PlannedLayers {
  std::initializer_list<HostConv2d> layers;
  std::string_view f32;
  PlansOfProcessors bf16;
  PlansOfProcessors int16;
  PlansOfProcessors int8;
};

inline constexpr PlannedLayers kPlannedLayers[] = {
    {
        .layers = {conv(4, 48), down5x5(3, 32), conv(4, 32, 64), conv(4, 320), conv(3, 64, 64),
                   conv(4, 64, 64), down5x5(3, 64), conv(3, 128, 64), conv(4, 512, 64), up5x5(32, 32)},
        .f32 = "direct",
        .bf16 = everywhere("direct"),
        .int16 = everywhere("direct"),
        .int8 = everywhere("direct"),
    },
    {
        .layers = {conv(48, 4), conv(32, 4, 64), conv(320, 4), conv(64, 4, 64), conv(64, 3, 64),
                   conv(128, 3, 64)},
        .f32 = "narrow",
        .bf16 = {"narrow", "narrow", "narrow", "bf16"},
        .int16 = {"narrow", "narrow", "narrow", "bf16"},
        .int8 = {"narrow", "narrow", "narrow", "bf16"},
    },
    {
        .layers = {conv(48, 48, 32), conv(96, 48, 32), conv(48, 48, 16), conv(96, 48, 16), conv(32, 32, 64),
                   conv(64, 64, 64)},
        .f32 = "winograd f32 pieces from 64, else direct",
        .bf16 = {"winograd f32 pieces from 64, else direct", "winograd f32 pieces from 64, else direct",
                 "winograd f32 pieces from 256, else bf16", "bf16"},
        .int16 = {"winograd f32 pieces from 64, else direct", "winograd f32 pieces from 64, else direct",
                  "winograd f32 pieces from 256, else bf16", "bf16"},
        .int8 = {"int8", "winograd int16 pieces from 256, else int8",
                 "winograd bf16 pieces from 256, else int8", "int8"},
    },
    {
        .layers = {down(48, 48, 32),     down(48, 48, 16),     down(96, 96, 8),      down(32, 32, 64),
                   down(320, 320, 64),   conv(960, 640, 32),   conv(1280, 640, 32),  conv(1920, 640, 32),
                   down(640, 640, 32),   conv(640, 1280, 16),  conv(1280, 1280, 16), conv(1920, 1280, 16),
                   conv(2560, 1280, 16), down(1280, 1280, 16), up(1280, 1280, 16),   conv(1280, 1280, 8),
                   conv(2560, 1280, 8),  up(1280, 1280, 8),    down(64, 64, 64),     down(128, 128, 64),
                   down(256, 256, 64),   down(512, 512, 64),   conv(512, 8, 64),     conv1x1(320, 320, 64),
                   conv(16, 16, 4),      conv5x5(32, 32)},
        .f32 = "direct",
        .bf16 = {"direct", "direct", "bf16", "bf16"},
        .int16 = {"direct", "direct", "bf16", "bf16"},
        .int8 = everywhere("int8"),
    },
    {
        .layers = {conv(144, 48, 16)},
        .f32 = "winograd f32 from 64, else direct",
        .bf16 = {"winograd f32 from 64, else direct", "winograd f32 from 64, else direct",
                 "winograd f32 from 256, else bf16", "bf16"},
        .int16 = {"winograd f32 from 64, else direct", "winograd f32 from 64, else direct",
                  "winograd f32 from 256, else bf16", "bf16"},
        .int8 = {"int8", "winograd int16 pieces from 256, else int8",
                 "winograd bf16 pieces from 256, else int8", "int8"},
    },
    {
        .layers = {up(48, 48, 16)},
        .f32 = "winograd f32 phases from 64, else direct",
        .bf16 = {"winograd f32 phases from 64, else direct", "winograd f32 phases from 64, else direct",
                 "bf16", "bf16"},
        .int16 = {"winograd f32 phases from 64, else direct",
                  "winograd int16 phases pieces from 64, else direct",
                  "winograd int16 phases pieces from 256, else bf16", "bf16"},
        .int8 = everywhere("int8"),
    },
    {
        .layers = {conv(48, 96, 8), conv(64, 64)},
        .f32 = "winograd f32 pieces from 64, else direct",
        .bf16 = {"winograd f32 pieces from 64, else direct", "winograd f32 pieces from 64, else direct",
                 "bf16", "bf16"},
        .int16 = {"winograd f32 pieces from 64, else direct", "winograd f32 pieces from 64, else direct",
                  "bf16", "bf16"},
        .int8 = everywhere("int8"),
    },
    {
        .layers = {conv(96, 96, 8), conv(144, 96, 8), conv(288, 96, 8), up(96, 96, 8), up(192, 192, 4),
                   up(256, 256, 64)},
        .f32 = "winograd f32 from 64, else direct",
        .bf16 = {"winograd f32 from 64, else direct", "winograd f32 from 64, else direct", "bf16", "bf16"},
        .int16 = {"winograd f32 from 64, else direct", "winograd f32 from 64, else direct", "bf16", "bf16"},
        .int8 = everywhere("int8"),
    },
    {
        .layers = {conv(96, 192, 4), conv(192, 192, 4), conv(288, 192, 4), conv(384, 192, 4)},
        .f32 = "winograd 2x2 f32 from 16, else direct",
        .bf16 = {"winograd f32 from 64, else direct", "winograd f32 from 64, else direct", "bf16", "bf16"},
        .int16 = {"winograd f32 from 64, else direct", "winograd f32 from 64, else direct", "bf16", "bf16"},
        .int8 = everywhere("int8"),
    },
    {
        .layers = {up5x5(32, 3), up5x5(64, 3), up5x5(32, 2)},
        .f32 = "narrow, else direct",
        .bf16 = everywhere("narrow, else direct"),
        .int16 = everywhere("narrow, else direct"),
        .int8 = everywhere("narrow, else direct"),
    },
    {
        .layers = {up(32, 32, 64)},
        .f32 = "winograd f32 phases pieces from 64, else direct",
        .bf16 = {"winograd f32 phases pieces from 64, else direct",
                 "winograd f32 phases pieces from 64, else direct", "bf16", "bf16"},
        .int16 = {"winograd f32 phases pieces from 64, else direct",
                  "winograd int16 phases pieces from 64, else direct",
                  "winograd int16 phases pieces from 256, else bf16", "bf16"},
        .int8 = everywhere("int8"),
    },
    {
        .layers = {conv(320, 320, 64), conv(640, 320, 64), conv(960, 320, 64), conv(320, 640, 32),
                   conv(256, 512, 64), conv(512, 512, 64), conv(512, 256, 64)},
        .f32 = "winograd f32",
        .bf16 = {"winograd f32", "winograd f32", "winograd f32 from 1024, else bf16", "bf16"},
        .int16 = {"winograd f32", "winograd f32", "winograd f32 from 1024, else bf16", "bf16"},
        .int8 = {"int8", "winograd int16 from 1024, else int8", "winograd bf16 from 1024, else int8", "int8"},
    },
    {
        .layers = {conv(640, 640, 32), up(640, 640, 32), up(512, 512, 64), conv(320, 256, 4), conv(640, 640)},
        .f32 = "winograd f32",
        .bf16 = {"winograd f32", "winograd f32", "bf16", "bf16"},
        .int16 = {"winograd f32", "winograd f32", "bf16", "bf16"},
        .int8 = everywhere("int8"),
    },
    {
        .layers = {up(64, 64, 64)},
        .f32 = "winograd f32 phases from 64, else direct",
        .bf16 = {"winograd f32 phases from 64, else direct", "winograd f32 phases from 64, else direct",
                 "bf16", "bf16"},
        .int16 = {"winograd f32 phases from 64, else direct", "winograd int16 phases from 64, else direct",
                  "winograd int16 phases from 256, else bf16", "bf16"},
        .int8 = everywhere("int8"),
    },
    {
        .layers = {conv(128, 128, 64), conv(128, 256, 64), conv(256, 256, 64), conv(256, 128, 64)},
        .f32 = "winograd f32 from 64, else direct",
        .bf16 = {"winograd f32 from 64, else direct", "winograd f32 from 64, else direct",
                 "winograd f32 from 256, else bf16", "bf16"},
        .int16 = {"winograd f32 from 64, else direct", "winograd f32 from 64, else direct",
                  "winograd f32 from 256, else bf16", "bf16"},
        .int8 = {"int8", "winograd int16 from 256, else int8", "winograd bf16 from 256, else int8", "int8"},
    },
    {
        .layers = {conv(48, 48, 4)},
        .f32 = "winograd 2x2 f32 pieces from 16, else direct",
        .bf16 = {"winograd f32 pieces from 64, else direct", "winograd f32 pieces from 64, else direct",
                 "bf16", "bf16"},
        .int16 = {"winograd f32 pieces from 64, else direct", "winograd f32 pieces from 64, else direct",
                  "bf16", "bf16"},
        .int8 = everywhere("int8"),
    },
};

}  // namespace streamdiffusion::cpu
