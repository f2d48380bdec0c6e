#include "streamdiffusion/hub.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include "hub/cache.h"
#include "hub/default_autoencoder.h"
#include "hub/fetch.h"
#include "hub/repository.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;
using hub::Purpose;
using hub::Repository;

bool is_path(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// Returns the repository that the text names, or nothing if it is an existing path or no such name.
std::optional<Repository> repository_of(const fs::path& text) {
  return is_path(text) ? std::nullopt : hub::parse_repository(text.string());
}

Repository require_repository(const std::string& name) {
  if (const auto repository = hub::parse_repository(name)) {
    return *repository;
  }
  throw HubError("\"" + name + "\" is no model's name on the hub, such as stabilityai/sd-turbo");
}

Purpose purpose_of(const Repository& repository) {
  // A named file is fetched as it is; for a repository, its model or its only weights.
  return repository.file.empty() ? Purpose::model : Purpose::lora;
}

void fetch_autoencoder(ModelOptions& options, bool model_from_hub, const HubOptions& hub_options) {
  if (!options.vae) {
    hub::DefaultAutoencoder chosen =
        hub::choose_default_autoencoder(options.path, model_from_hub, hub_options);
    options.vae = std::move(chosen.path);
    if (!chosen.note.empty()) {
      options.notes.push_back(std::move(chosen.note));
    }
  } else if (*options.vae == "full" && !is_path("full")) {
    options.vae.reset();
  } else if (const auto repository = repository_of(*options.vae)) {
    options.vae = hub::fetch_files(*repository, Purpose::autoencoder, hub_options);
  }
}

void fetch_loras(ModelOptions& options, const HubOptions& hub_options) {
  for (LoraOptions& lora : options.loras) {
    if (const auto repository = repository_of(lora.file)) {
      lora.file = hub::fetch_files(*repository, Purpose::lora, hub_options);
      if (lora.name.empty() && repository->file.empty()) {
        lora.name = repository->name;  // the file has the same name in every repository
      }
    }
  }
}

std::int64_t size_on_disk(const fs::path& folder) {
  std::int64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder / "blobs", error)) {
    const std::uintmax_t size = entry.is_symlink(error) ? 0 : entry.file_size(error);
    bytes += error ? 0 : static_cast<std::int64_t>(size);
  }
  return bytes;
}

bool has_incomplete(const fs::path& folder) {
  std::error_code error;
  const fs::directory_iterator blobs(folder / "blobs", error);
  return std::any_of(begin(blobs), end(blobs),
                     [](const auto& entry) { return entry.path().extension() == ".incomplete"; });
}

/// Returns the branches and tags in the cache, and the commits that none of them points to.
std::vector<std::string> revisions_of(const Repository& repository, const HubOptions& options) {
  const fs::path folder = options.cache / hub::cache_folder_name(repository);
  std::vector<std::string> revisions;
  std::set<std::string> named;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder / "refs", error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->is_regular_file(error)) {
      Repository at = repository;
      at.revision = entry->path().lexically_relative(folder / "refs").generic_string();
      revisions.push_back(at.revision);
      named.insert(hub::RepositoryCache(options.cache, at).read_commit().value_or(""));
    }
  }
  for (const auto& entry : fs::directory_iterator(folder / "snapshots", error)) {
    const std::string commit = entry.path().filename().string();
    if (hub::is_commit(commit) && !named.contains(commit)) {
      revisions.push_back(commit);
    }
  }
  std::ranges::sort(revisions);
  return revisions;
}

bool is_usable(const Repository& repository, const HubOptions& options) {
  return hub::find_cached(repository, Purpose::model, options) ||
         hub::find_cached(repository, Purpose::lora, options);
}

}  // namespace

bool is_hub_name(const std::string& text) { return repository_of(text).has_value(); }

ModelOptions fetch_model(ModelOptions options, const HubOptions& hub_options) {
  const std::optional<Repository> repository = repository_of(options.path);
  if (repository) {
    options.path = hub::fetch_files(*repository, purpose_of(*repository), hub_options);
    if (options.name.empty()) {
      options.name = repository->text();
    }
  }
  fetch_autoencoder(options, repository.has_value(), hub_options);
  fetch_loras(options, hub_options);
  return options;
}

fs::path fetch_repository(const std::string& name, const HubOptions& options) {
  const Repository repository = require_repository(name);
  return hub::fetch_files(repository, purpose_of(repository), options);
}

std::optional<fs::path> find_in_cache(const std::string& name, const HubOptions& options) {
  const Repository repository = require_repository(name);
  return hub::find_cached(repository, purpose_of(repository), options);
}

std::vector<CachedModel> cached_models(const HubOptions& options) {
  std::vector<CachedModel> models;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(options.cache, error)) {
    std::optional<Repository> repository = hub::repository_of_folder(entry.path().filename().string());
    if (!repository) {
      continue;
    }
    CachedModel model{.name = repository->id(),
                      .revisions = revisions_of(*repository, options),
                      .bytes = size_on_disk(entry.path()),
                      .interrupted = has_incomplete(entry.path())};
    const bool usable = std::ranges::any_of(model.revisions, [&](const std::string& revision) {
      repository->revision = revision;
      return is_usable(*repository, options);
    });
    if (usable || model.interrupted) {
      models.push_back(std::move(model));
    }
  }
  std::ranges::sort(models, {}, &CachedModel::name);
  return models;
}

std::int64_t remove_cached_model(const std::string& name, const HubOptions& options) {
  const Repository repository = require_repository(name);
  if (name != repository.id()) {
    throw HubError("\"" + name +
                   "\": a model is removed with all its files and revisions: " + repository.id());
  }
  const fs::path folder = options.cache / hub::cache_folder_name(repository);
  if (!is_path(folder)) {
    throw HubError(repository.id() + ": is not in the cache (" + options.cache.string() + ")");
  }
  const std::int64_t bytes = size_on_disk(folder);
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) {
    throw HubError(folder.string() + ": cannot be removed: " + error.message());
  }
  fs::remove_all(options.cache / ".locks" / hub::cache_folder_name(repository), error);
  return bytes;
}

}  // namespace streamdiffusion
