#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

namespace streamdiffusion::server {

/// The limited session slots and the queue of clients that wait for one. Not thread-safe.
class SessionSlots {
 public:
  /// At most `slots` clients have a slot and `queue` clients wait; `from_one_address` limits the sum of both
  /// for one IP address.
  SessionSlots(int slots, int queue, int from_one_address)
      : slots_(slots), queue_(queue), from_one_address_(from_one_address) {}
  SessionSlots(const SessionSlots&) = delete;
  SessionSlots& operator=(const SessionSlots&) = delete;

  /// Holds a slot, or a position in the queue, until it is destroyed. SessionSlots must outlive it.
  class Ticket {
   public:
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    /// 0 if the ticket has a slot, else its position in the queue, from 1.
    [[nodiscard]] int position() const { return position_; }

   private:
    friend class SessionSlots;
    Ticket(SessionSlots& slots, std::string address, std::function<void()> changed)
        : slots_(slots), address_(std::move(address)), changed_(std::move(changed)) {}
    SessionSlots& slots_;
    std::string address_;
    std::function<void()> changed_;
    int position_ = 0;
  };

  /// Takes a slot, or the last position in the queue. Returns null if the queue is full or the address has
  /// too many tickets. `changed` is called whenever the position changes.
  std::unique_ptr<Ticket> take_ticket(const std::string& address, std::function<void()> changed);

  [[nodiscard]] int taken_slots() const { return taken_; }
  [[nodiscard]] int waiting() const { return static_cast<int>(line_.size()); }
  [[nodiscard]] bool is_full() const { return taken_ >= slots_ && waiting() >= queue_; }

 private:
  void release_ticket(Ticket& ticket);

  int slots_;
  int queue_;
  int from_one_address_;
  int taken_ = 0;
  std::list<Ticket*> line_;
  std::map<std::string, int> addresses_;
};

}  // namespace streamdiffusion::server
