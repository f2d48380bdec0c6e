#include "server/session_slots.h"

namespace streamdiffusion::server {

SessionSlots::Ticket::~Ticket() { slots_.release_ticket(*this); }

std::unique_ptr<SessionSlots::Ticket> SessionSlots::take_ticket(const std::string& address,
                                                                std::function<void()> changed) {
  if (is_full() || addresses_[address] >= from_one_address_) {
    return nullptr;
  }
  std::unique_ptr<Ticket> ticket(new Ticket(*this, address, std::move(changed)));
  ++addresses_[address];
  if (taken_ < slots_) {
    ++taken_;
  } else {
    line_.push_back(ticket.get());
    ticket->position_ = waiting();
  }
  return ticket;
}

void SessionSlots::release_ticket(Ticket& ticket) {
  if (--addresses_[ticket.address_] == 0) {
    addresses_.erase(ticket.address_);
  }
  if (ticket.position_ > 0) {
    line_.remove(&ticket);
  } else if (line_.empty()) {
    --taken_;
  } else {
    Ticket* const next = line_.front();
    line_.pop_front();
    next->position_ = 0;
    next->changed_();
  }
  int position = 0;
  for (Ticket* const waiting : line_) {
    if (waiting->position_ != ++position) {
      waiting->position_ = position;
      waiting->changed_();
    }
  }
}

}  // namespace streamdiffusion::server
