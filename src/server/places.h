#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

namespace streamdiffusion::server {

/// The limited session slots and the queue of clients that wait for one. Not thread-safe.
class Places {
 public:
  /// `places` slots and `queue` waiting clients at most, `from_one_address` of both together per IP address.
  Places(int places, int queue, int from_one_address)
      : places_(places), queue_(queue), from_one_address_(from_one_address) {}
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  /// Holds a slot, or a position in the queue, until it is destroyed. Places must outlive it.
  class Ticket {
   public:
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    /// 0 if the ticket has a slot, else its position in the queue, from 1.
    [[nodiscard]] int position() const { return position_; }

   private:
    friend class Places;
    Ticket(Places& places, std::string address, std::function<void()> changed)
        : places_(places), address_(std::move(address)), changed_(std::move(changed)) {}
    Places& places_;
    std::string address_;
    std::function<void()> changed_;
    int position_ = 0;
  };

  /// Takes a slot, or the last position in the queue. Returns null if the queue is full or the address has
  /// too many tickets. `changed` is called whenever the position changes.
  std::unique_ptr<Ticket> enter(const std::string& address, std::function<void()> changed);

  [[nodiscard]] int taken() const { return taken_; }
  [[nodiscard]] int waiting() const { return static_cast<int>(line_.size()); }
  [[nodiscard]] bool full() const { return taken_ >= places_ && waiting() >= queue_; }

 private:
  void leave(Ticket& ticket);

  int places_;
  int queue_;
  int from_one_address_;
  int taken_ = 0;
  std::list<Ticket*> line_;
  std::map<std::string, int> addresses_;
};

}  // namespace streamdiffusion::server
