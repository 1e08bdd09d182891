// Who sends what to whom, on one page. Every message is a plain struct that owns what it carries; answers go
// back through the Reply slot of the request, which is reserved when the request is made, so no cycle of
// mailboxes can lock.
//
//   from          to            message               when full
//   admin         rotation      CommandWork           wait        a verified command that changes a
//   credential rotation      distribution  SealWork              wait        a fresh secret to seal for a
//   group rotation      distribution  PublishWork           wait        a stored envelope to append to its
//   stream rotation,     audit         OutboxGrew            drop_oldest events were written; drain the
//   outbox
//     admin
//   replica       rotation      RecordSeen            drop_oldest a credential changed (timers are
//   re-derived) keeper        rotation,     LeaseChanged          wait        this node got or lost the
//   control lease
//                 admin, audit
//
// Everything flows along admin -> rotation -> distribution -> audit; `wait` never points the other way.
#pragma once

#include "actors/reply.hpp"
#include "base/secret.hpp"
#include "io/wire/envelope.hpp"
#include "policy/command.hpp"
#include "policy/model.hpp"

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace shearline::actors {

struct CommandWork {
  policy::Command command;
  Reply<policy::Answer>* reply = nullptr;  // on the sender's stack; the sender waits for it
};

struct LeaseChanged {
  bool held = false;
  std::uint64_t fence = 0;
};

struct RecordSeen {
  std::string client_id;
};

using RotationMessage = std::variant<CommandWork, LeaseChanged, RecordSeen>;

struct Delivery {
  Bytes envelope;  // finished and signed
  Ulid envelope_id;
  std::vector<policy::MemberTag> tags;
};
struct SealWork {
  wire::DeliveredSecret delivered;
  std::string group_id;
  Reply<Result<Delivery>>* reply = nullptr;
};
struct PublishWork {
  std::string group_id;
  Bytes envelope;
  Reply<Status>* reply = nullptr;
};
using DistributionMessage = std::variant<SealWork, PublishWork>;

struct OutboxGrew {
  unsigned partition = 0;
};
using AuditMessage = std::variant<OutboxGrew, LeaseChanged>;

}  // namespace shearline::actors
