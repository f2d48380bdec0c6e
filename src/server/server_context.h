#pragma once

#include <functional>
#include <list>
#include <set>
#include <string>

#include "server/engine.h"
#include "server/metrics.h"
#include "server/server.h"
#include "server/session_slots.h"
#include "server/viewers.h"

namespace streamdiffusion::server {

/// The state that all connections share. Used on the network thread only.
struct ServerContext {
  explicit ServerContext(const ServerOptions& given)
      : options(given),
        models(given.models, given.models_loaded),
        engine(models, given.defaults, given.stream_defaults, {.largest_side = given.largest_side}, metrics),
        slots(given.sessions, given.queue, given.sessions_per_address) {}

  const ServerOptions& options;
  Metrics metrics;
  ModelStore models;
  Engine engine;
  SessionSlots slots;
  Viewers viewers;
  std::set<std::string> session_names;
  int connections = 0;
  bool stopping = false;

  /// Registers a callback for the stop of the server, for as long as this object exists.
  class OnStop {
   public:
    OnStop(ServerContext& server, std::function<void()> stop)
        : list_(server.on_stop_), entry_(list_.insert(list_.end(), std::move(stop))) {}
    ~OnStop() { list_.erase(entry_); }
    OnStop(const OnStop&) = delete;
    OnStop& operator=(const OnStop&) = delete;

   private:
    std::list<std::function<void()>>& list_;
    std::list<std::function<void()>>::iterator entry_;
  };
  void tell_to_stop() {
    stopping = true;
    for (const std::function<void()>& stop : on_stop_) {
      stop();
    }
  }

 private:
  std::list<std::function<void()>> on_stop_;
};

}  // namespace streamdiffusion::server
