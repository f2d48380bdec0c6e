#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "control/settings.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion::server {

/// A model that clients may ask for.
struct ModelOffer {
  std::string id;
  ModelOptions options;
};

/// The models that clients may ask for, loaded when the first one does; those that nobody uses any more make
/// room for others. Thread-safe.
class ModelStore {
 public:
  /// Loads the first of `offers`. `most_loaded`: models in memory at a time. Throws Error where ids are not
  /// unique, or the model cannot be loaded.
  ModelStore(std::vector<ModelOffer> offers, int most_loaded);
  ~ModelStore() { finish_loading(); }

  struct Entry {
    std::string id;
    std::shared_ptr<Model> model;  ///< null: not loaded
    std::vector<LoraScale> loras;  ///< with the scales they were loaded with
  };
  [[nodiscard]] std::vector<Entry> entries() const;
  [[nodiscard]] const std::string& first() const { return offers_.front().id; }
  [[nodiscard]] bool has(const std::string& id) const;
  /// The ids of all, for messages: "default, other".
  [[nodiscard]] std::string names() const;

  /// The model, or null where it is not loaded yet.
  [[nodiscard]] std::shared_ptr<Model> loaded(const std::string& id) const;
  [[nodiscard]] std::vector<LoraScale> loras(const std::string& id) const;

  /// Loads it on a thread of its own and then calls `done` there with an empty text, or with what went wrong.
  /// Several that ask for the same model share the work.
  void load(const std::string& id, std::function<void(const std::string& error)> done);
  /// Waits for the models that are being loaded, and for `done` of each.
  void finish_loading();

 private:
  struct Slot {
    std::shared_ptr<Model> model;
    bool loading = false;
    std::vector<std::function<void(const std::string&)>> waiting;
    std::int64_t last_use = 0;
  };

  [[nodiscard]] std::size_t index_of(const std::string& id) const;
  bool make_room();
  void load_now(std::size_t index);

  std::vector<ModelOffer> offers_;
  int most_loaded_;
  mutable std::mutex mutex_;
  mutable std::int64_t uses_ = 0;
  mutable std::vector<Slot> slots_;
  std::vector<std::thread> threads_;
};

}  // namespace streamdiffusion::server
