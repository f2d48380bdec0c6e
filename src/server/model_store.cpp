#include "server/model_store.h"

#include <algorithm>
#include <exception>
#include <set>

#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

ModelStore::ModelStore(std::vector<ModelOffer> offers, int most_loaded)
    : offers_(std::move(offers)), most_loaded_(std::max(1, most_loaded)), slots_(offers_.size()) {
  std::set<std::string> ids;
  for (ModelOffer& offer : offers_) {
    name_loras(offer.options.loras);
    if (!ids.insert(offer.id).second) {
      throw Error("two models have the name \"" + offer.id + "\": give one another name, as NAME=PATH");
    }
  }
  slots_.front().model = Model::load(offers_.front().options);
}

void ModelStore::finish_loading() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

std::size_t ModelStore::index_of(const std::string& id) const {
  return static_cast<std::size_t>(std::ranges::find(offers_, id, &ModelOffer::id) - offers_.begin());
}

bool ModelStore::has_model(const std::string& id) const { return index_of(id) < offers_.size(); }

std::string ModelStore::list_ids() const {
  std::string names;
  for (const ModelOffer& offer : offers_) {
    names += (names.empty() ? "" : ", ") + offer.id;
  }
  return names;
}

std::vector<LoraScale> ModelStore::loras(const std::string& id) const {
  std::vector<LoraScale> loras;
  for (const LoraOptions& lora : offers_.at(index_of(id)).options.loras) {
    loras.push_back({lora.name, lora.scale});
  }
  return loras;
}

std::vector<ModelStore::Entry> ModelStore::entries() const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < offers_.size(); ++i) {
    entries.push_back({offers_[i].id, slots_[i].model, loras(offers_[i].id)});
  }
  return entries;
}

std::shared_ptr<Model> ModelStore::loaded(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_.at(index_of(id));
  slot.last_use = ++uses_;
  return slot.model;
}

/// If as many models as allowed are in memory, frees the least recently used one that no session uses.
/// Returns false if there is none to free. The first model stays because new sessions begin with it.
bool ModelStore::free_unused_model() {
  const auto in_memory =
      std::ranges::count_if(slots_, [](const Slot& slot) { return slot.model != nullptr || slot.loading; });
  if (in_memory < most_loaded_) {
    return true;
  }
  Slot* oldest = nullptr;
  for (std::size_t i = 1; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    const bool idle = slot.model != nullptr && slot.model.use_count() == 1;
    if (idle && (oldest == nullptr || slot.last_use < oldest->last_use)) {
      oldest = &slot;
    }
  }
  if (oldest == nullptr) {
    return false;
  }
  oldest->model.reset();
  return true;
}

void ModelStore::load(const std::string& id, std::function<void(const std::string& error)> done) {
  std::string refused;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t index = index_of(id);
    Slot& slot = slots_.at(index);
    if (slot.loading) {
      slot.waiting.push_back(std::move(done));
      return;
    }
    if (slot.model == nullptr && free_unused_model()) {
      slot.loading = true;
      slot.waiting.push_back(std::move(done));
      threads_.emplace_back([this, index] { load_now(index); });
      return;
    }
    if (slot.model == nullptr) {
      refused = "no room for \"" + id + "\": " + std::to_string(most_loaded_) +
                " models are in use, which is as many as this server keeps in memory";
    }
  }
  done(refused);
}

void ModelStore::load_now(std::size_t index) {
  std::shared_ptr<Model> model;
  std::string problem;
  try {
    model = Model::load(offers_[index].options);
  } catch (const std::exception& error) {
    problem = error.what();
  }
  std::vector<std::function<void(const std::string&)>> waiting;
  {
    const std::lock_guard lock(mutex_);
    slots_[index].model = model;
    slots_[index].loading = false;
    waiting.swap(slots_[index].waiting);
  }
  for (const auto& done : waiting) {
    done(problem);
  }
}

}  // namespace streamdiffusion::server
