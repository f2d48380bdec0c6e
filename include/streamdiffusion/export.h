#pragma once

/// Marks what a shared library of this project exports.
#if defined(__GNUC__) || defined(__clang__)
#define STREAMDIFFUSION_API __attribute__((visibility("default")))
#else
#define STREAMDIFFUSION_API
#endif
