#pragma once

#include <string>

#include "case.h"
#include "host_tensor.h"

namespace streamdiffusion::conformance {

// One function for each kind of case, each in a file of its own.
Outputs run_tokenizer(const Case& c, const RunOptions& options);
Outputs run_text_encoder(const Case& c, const RunOptions& options);
Outputs run_unet(const Case& c, const RunOptions& options);
Outputs run_vae_encode(const Case& c, const RunOptions& options);
Outputs run_vae_decode(const Case& c, const RunOptions& options);
Outputs run_noise(const Case& c, const RunOptions& options);
Outputs run_filter(const Case& c, const RunOptions& options);
Outputs run_stream(const Case& c, const RunOptions& options);

/// Computes a case. Throws Error for an unknown kind.
Outputs run_case(const Case& c, const RunOptions& options);

}  // namespace streamdiffusion::conformance
