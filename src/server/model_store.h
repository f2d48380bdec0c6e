#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "settings/settings.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion::server {

/// A model that clients may ask for.
struct ModelOffer {
  std::string id;
  ModelOptions options;
};

/// The models that clients may ask for. A model is loaded when a client first asks for it. Models that no
/// session uses are freed when another one needs the memory. Thread-safe.
class ModelStore {
 public:
  /// Loads the first of `offers`. `most_loaded` limits the models in memory at a time. Throws Error if ids
  /// are not unique or the model cannot be loaded.
  ModelStore(std::vector<ModelOffer> offers, int most_loaded);
  ~ModelStore() { finish_loading(); }

  struct Entry {
    std::string id;
    std::shared_ptr<Model> model;  ///< Null if the model is not loaded.
    std::vector<LoraScale> loras;  ///< The model's LoRAs with their default scales.
  };
  [[nodiscard]] std::vector<Entry> entries() const;
  [[nodiscard]] const std::string& first_id() const { return offers_.front().id; }
  [[nodiscard]] bool has_model(const std::string& id) const;
  /// The ids of all models for messages, as in "default, other".
  [[nodiscard]] std::string list_ids() const;

  /// The model, or null if it is not loaded. Marks it as the most recently used.
  [[nodiscard]] std::shared_ptr<Model> loaded(const std::string& id) const;
  /// The LoRAs of a model with their default scales.
  [[nodiscard]] std::vector<LoraScale> loras(const std::string& id) const;

  /// Loads a model on a thread of its own, which then calls `done` with an empty string or an error message.
  /// Concurrent calls for the same model share one load. `done` is called at once, on the caller's thread, if
  /// the model is loaded or cannot be.
  void load(const std::string& id, std::function<void(const std::string& error)> done);
  /// Waits until all models that are being loaded have called `done`.
  void finish_loading();

 private:
  struct Slot {
    std::shared_ptr<Model> model;
    bool loading = false;
    std::vector<std::function<void(const std::string&)>> waiting;
    std::int64_t last_use = 0;
  };

  [[nodiscard]] std::size_t index_of(const std::string& id) const;
  bool free_unused_model();
  void load_now(std::size_t index);

  std::vector<ModelOffer> offers_;
  int most_loaded_;
  mutable std::mutex mutex_;
  mutable std::int64_t uses_ = 0;
  mutable std::vector<Slot> slots_;
  std::vector<std::thread> threads_;
};

}  // namespace streamdiffusion::server
