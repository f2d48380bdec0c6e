#include "hub/default_autoencoder.h"

#include <cmath>
#include <exception>
#include <utility>

#include "hub/fetch.h"
#include "model/files/dduf.h"
#include "model/files/json.h"
#include "model/files/text_file.h"

namespace streamdiffusion::hub {
namespace {

namespace fs = std::filesystem;

/// True if TAESD fits the model's latents, as far as the files tell. Errors in them count as false.
bool has_taesd_latents(const fs::path& model) {
  constexpr double kScaling = 0.18215;  // that of Stable Diffusion 1.x and 2.x; SDXL has another
  try {
    if (!is_model_folder(model)) {
      return fs::is_regular_file(model);  // single-file checkpoints are of 1.x or 2.x
    }
    const fs::path file = model / "vae" / "config.json";
    const nlohmann::json config = parse_json_object(read_text_file(file), file.string());
    return config.value("_class_name", "") == "AutoencoderKL" && config.value("latent_channels", 4) == 4 &&
           std::abs(config.value("scaling_factor", kScaling) - kScaling) < 1e-4;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

DefaultAutoencoder choose_default_autoencoder(const fs::path& model, bool download,
                                              const HubOptions& options) {
  if (!has_taesd_latents(model)) {
    return {};
  }
  const Repository taesd{.owner = "madebyollin", .name = "taesd", .file = {}};
  const std::string is_taesd = "the autoencoder is TAESD (" + taesd.id() +
                               "); give \"full\" as the VAE for the model's own, which is slower";
  if (auto cached = find_cached(taesd, Purpose::autoencoder, options)) {
    return {.path = std::move(cached), .note = is_taesd};
  }
  if (!download || options.offline) {
    return {.note =
                "the autoencoder is the model's own; TAESD is quicker: give " + taesd.id() + " as the VAE"};
  }
  try {
    return {.path = fetch_files(taesd, Purpose::autoencoder, options), .note = is_taesd};
  } catch (const HubStopped&) {
    throw;
  } catch (const Error& error) {
    return {.note = "the autoencoder is the model's own, since TAESD cannot be downloaded: " +
                    std::string(error.what())};
  }
}

}  // namespace streamdiffusion::hub
