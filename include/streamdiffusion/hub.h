#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "streamdiffusion/error.h"
#include "streamdiffusion/export.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion {

/// The progress of the downloads from one repository.
struct HubProgress {
  std::string name;             ///< Repository, "OWNER/NAME".
  std::int64_t done = 0;        ///< Bytes of all its files that are complete or received.
  std::int64_t total = 0;       ///< Bytes of all its files.
  double bytes_per_second = 0;  ///< Mean rate since the downloads began.
};

/// The server that models are downloaded from, the cache that keeps them, and how downloads run.
struct HubOptions {
  std::string endpoint = "https://huggingface.co";  ///< URL of the server.
  std::filesystem::path cache = {};  ///< Cache folder, laid out as Python's huggingface_hub lays it out.
  std::string token = {};  ///< Access token, or empty. Sent only to `endpoint`, not to hosts it redirects to.
  bool offline = false;    ///< Use only the contents of the cache; make no request.
  int parallel = 4;        ///< Files downloaded at the same time; less than 1 counts as 1.

  /// Called on the calling thread about ten times a second during downloads, and when they are complete.
  std::function<void(const HubProgress&)> on_progress = {};
  /// Called with messages about events that stop nothing, such as a connection that broke and is retried. May
  /// be called on a download thread; calls do not overlap.
  std::function<void(const std::string&)> on_message = {};
  /// Downloads throw HubStopped soon after this becomes true. Received data is kept, and the next call
  /// resumes from it. Null: downloads cannot be stopped.
  const std::atomic<bool>* stop = nullptr;

  /// Returns the options that Python's huggingface_hub would use. Reads HF_ENDPOINT, HF_HUB_CACHE, HF_HOME,
  /// HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE and the variables that supply their defaults. Expands `~`,
  /// `$NAME` and `${NAME}` in paths.
  STREAMDIFFUSION_API static HubOptions from_environment();
};

/// Thrown if HubOptions::stop became true.
class STREAMDIFFUSION_API HubStopped : public Cancelled {
 public:
  using Cancelled::Cancelled;  ///< Takes the message.
};

/// Replaces repository names in the options by local files, and downloads those that the cache lacks.
///
/// `path`, `vae` and the files of LoRAs may be "OWNER/NAME", "OWNER/NAME@REVISION" or
/// "OWNER/NAME/FILE.safetensors" (or FILE.dduf). A path that exists is left as it is. `vae` "full" keeps the
/// model's own autoencoder.
///
/// Without `vae`, TAESD replaces the autoencoder of a Stable Diffusion 1.x or 2.x model. TAESD is downloaded
/// only if the model comes from the hub; otherwise it is used only if the cache holds it. ModelOptions::notes
/// states the choice.
///
/// Throws Error if a needed file is neither in the cache nor can be downloaded, and HubStopped if stopped.
STREAMDIFFUSION_API ModelOptions fetch_model(ModelOptions options, const HubOptions& hub);

/// Downloads the needed files of one repository ("OWNER/NAME[/FILE.safetensors][@REVISION]"). Returns the
/// folder, or the file if a single file of the repository is used. Throws as fetch_model does.
STREAMDIFFUSION_API std::filesystem::path fetch_repository(const std::string& name, const HubOptions& hub);

/// Returns what fetch_repository would, but makes no request. Returns nullopt if the cache lacks a needed
/// file.
STREAMDIFFUSION_API std::optional<std::filesystem::path> find_in_cache(const std::string& name,
                                                                       const HubOptions& hub);

/// True if the text has the form of a repository name on the hub and is not an existing path.
STREAMDIFFUSION_API bool is_hub_name(const std::string& text);

/// A model in the cache.
struct CachedModel {
  std::string name;                    ///< "OWNER/NAME".
  std::vector<std::string> revisions;  ///< Branches, tags and commits that were requested.
  std::int64_t bytes = 0;              ///< Size on disk of all revisions together.
  bool interrupted = false;            ///< True if a download was begun and not completed.
};

/// Lists the models in the cache, sorted by name.
STREAMDIFFUSION_API std::vector<CachedModel> cached_models(const HubOptions& hub);

/// Deletes a model ("OWNER/NAME") with all its revisions from the cache. Returns the number of bytes freed.
/// Throws Error if the cache does not hold it.
STREAMDIFFUSION_API std::int64_t remove_cached_model(const std::string& name, const HubOptions& hub);

}  // namespace streamdiffusion
