#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "streamdiffusion/error.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion {

/// How far downloads are.
struct HubProgress {
  std::string name;  ///< of the repository, "OWNER/NAME"
  std::int64_t done = 0;
  std::int64_t total = 0;  ///< bytes
  double bytes_per_second = 0;
};

/// Where models come from and where they are kept.
struct HubOptions {
  std::string endpoint = "https://huggingface.co";
  std::filesystem::path cache = {};  ///< the cache that Python's huggingface_hub uses
  std::string token = {};            ///< empty: none; sent to the endpoint alone, never to where it redirects
  bool offline = false;              ///< use what the cache holds and ask nobody
  int parallel = 4;                  ///< files downloaded at a time

  /// Called some times a second while files come in.
  std::function<void(const HubProgress&)> on_progress = {};
  /// Called with what a user should know but that stops nothing (a connection that broke and is tried again).
  std::function<void(const std::string&)> on_message = {};
  /// Stops downloads with HubStopped where it becomes true; what has come is kept and used the next time.
  const std::atomic<bool>* stop = nullptr;

  /// As Python's huggingface_hub reads it: HF_ENDPOINT, HF_HUB_CACHE, HF_HOME, HF_TOKEN, HF_TOKEN_PATH,
  /// HF_HUB_OFFLINE and what these default to; `~`, `$NAME` and `${NAME}` in paths are replaced.
  static HubOptions from_environment();
};

/// HubOptions::stop became true.
class HubStopped : public Error {
 public:
  using Error::Error;
};

/// Gives the options with the hub's names replaced by files, which are downloaded where they are not there
/// yet: `path`, `vae` and the LoRAs' files may be "OWNER/NAME", "OWNER/NAME@REVISION" or
/// "OWNER/NAME/FILE.safetensors" (or FILE.dduf). A path that exists is left as it is. Where the model's own
/// autoencoder is a Stable Diffusion 1.x or 2.x one and `vae` is not given, TAESD takes its place: from the
/// hub where the model has come from there, otherwise only where the cache has it; a note says which it is.
/// `vae` "full" keeps the model's own. Throws Error that says what is wrong and what to do.
ModelOptions fetch_model(ModelOptions options, const HubOptions& hub);

/// Downloads what is needed of one repository ("OWNER/NAME[/FILE.safetensors][@REVISION]") and gives the
/// folder, or the file where the repository is used for a single one.
std::filesystem::path fetch_repository(const std::string& name, const HubOptions& hub);

/// The same without asking anybody; none where the cache does not have it.
std::optional<std::filesystem::path> find_in_cache(const std::string& name, const HubOptions& hub);

/// Whether the text has the form of a repository's name on the hub, and is no path that exists.
bool is_hub_name(const std::string& text);

/// A model of the cache.
struct CachedModel {
  std::string name;  ///< "OWNER/NAME"
  std::vector<std::string> revisions;
  std::int64_t bytes = 0;    ///< on the disk
  bool interrupted = false;  ///< a download has begun and not ended
};

/// All models that the cache holds, in the order of their names.
std::vector<CachedModel> cached_models(const HubOptions& hub);

/// Deletes a model ("OWNER/NAME") with all its revisions from the cache and gives the bytes that were freed.
/// Throws Error where the cache does not have it.
std::int64_t remove_cached_model(const std::string& name, const HubOptions& hub);

}  // namespace streamdiffusion
