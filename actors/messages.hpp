// Who sends what to whom, on one page. Every message is a plain struct that owns what it carries; answers go
// back through the Reply slot of the request, which is reserved when the request is made, so no cycle of
// mailboxes can lock.
//
//   from                      to                      message          when full
//   channel                   admin                   CommandReceived  shed         a JWS; its sender repeats it when nothing is heard
//   admin                     rotation                CommandWork      wait         a verified command that changes a credential
//   rotation                  distribution            SealWork         wait         a fresh secret to seal for a group
//   rotation                  distribution            PublishWork      wait         a stored envelope to append to its stream
//   rotation, admin, replica  audit                   OutboxGrew       drop_oldest  events were written or put back: drain the outbox
//   replica                   rotation                StoreMended      wait         a partition is there (again): look at its timers
//   keeper                    rotation                ClockMoved       (control)    the wall clock was set: deadlines are nearer or farther
//   keeper                    admin, rotation, audit  LeaseChanged     (control)    this node got or lost the control lease
//
// Everything flows along admin -> rotation -> distribution -> audit; `wait` never points the other way (the replica is
// nobody's receiver). tests/house/messages_table_test.py holds this table against what the files send.
//
// Who calls whom directly, on the one thread they share:
//
//   who                       calls
//   keeper                    replica: loaded, settled, can_act, newest_record_ms; and catch_up, mend before it acts
//   keeper, distribution      the store's set_fence, which every later put is checked against
//   admin                     audit: events_about, for `history` (KnownState)
//   admin, rotation           the table's revision_of; rotation also replica: fingerprint_known (KnownState)
//   admin                     channel: send_answer, handed over as a function
//   replica, admin            write the directory: what the store says, what was just stored there
//   rotation, distribution,   read the directory
//   keeper
//
#pragma once

#include "actors/mailbox.hpp"
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
  ReplyTo<policy::Answer> reply;
};

struct LeaseChanged {
  bool held = false;  // under which fence, the store knows
};

struct StoreMended {
  unsigned partition = 0;
};

struct ClockMoved {};

using RotationMessage = std::variant<CommandWork, LeaseChanged, StoreMended, ClockMoved>;

struct Delivery {
  Bytes envelope;  // finished and signed
  Ulid envelope_id;
  std::vector<policy::MemberTag> tags;
};
struct SealWork {
  wire::DeliveredSecret delivered;
  std::string group_id;
  ReplyTo<Result<Delivery>> reply;
};
struct PublishWork {
  std::string group_id;
  Bytes envelope;
  ReplyTo<Status> reply;
};
using DistributionMessage = std::variant<SealWork, PublishWork>;

struct OutboxGrew {
  unsigned partition = 0;
};
using AuditMessage = std::variant<OutboxGrew, LeaseChanged>;

// A command as it came in, from whatever channel; the answer goes out on the same one.
struct CommandReceived {
  std::string jws;
};
using AdminMessage = std::variant<CommandReceived, LeaseChanged>;

using AdminMailbox = Mailbox<AdminMessage, 1024, WhenFull::shed>;
using RotationMailbox = Mailbox<RotationMessage, 256, WhenFull::wait>;
using DistributionMailbox = Mailbox<DistributionMessage, 256, WhenFull::wait>;
using AuditMailbox = Mailbox<AuditMessage, 256, WhenFull::drop_oldest>;

}  // namespace shearline::actors
