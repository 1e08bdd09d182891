// What every actor is handed at construction: the control thread's loop, the clock, the store and the keys. Built by
// server/ (or a test), outlives every actor; nobody reaches for a global.
#pragma once

#include "base/clock.hpp"
#include "base/random.hpp"
#include "io/keys/keyring.hpp"
#include "io/loop/loop.hpp"
#include "io/store/sealed.hpp"
#include "io/wire/record.hpp"
#include "policy/rules.hpp"

#include <string>

namespace shearline::actors {

struct ActorContext {
  loop::Loop& loop;
  Clock& clock;
  Random& random;
  store::SealedStore& store;
  const wire::RecordCodec& codec;
  const keys::Keyring& keyring;
  const policy::Rules& rules;
  std::string node;        // this node's id, in leases and events
  std::string durability;  // what the store promises, for answers
};

// An event on its way into the store, with an id of its own.
inline Bytes encode_new_event(policy::AuditEvent event, const ActorContext& context) {
  event.id = Ulid::make(event.at_ms, context.random).text();
  return wire::encode_event(event);
}

}  // namespace shearline::actors
