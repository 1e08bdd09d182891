// One audit event per change of state, written with the change itself (design: features A1, A3; model.md
// invariant 5). It gets an id of its own when it is stored, so that neither a crash between the outbox and the audit file
// nor a store that is mended loses or doubles it.
#pragma once

#include "base/clock.hpp"
#include "base/ulid.hpp"

#include <string>
#include <utility>
#include <vector>

namespace shearline::policy {

struct AuditEvent {
  std::string id;    // ULID, given by whoever stores it; decisions leave it empty
  std::string type;  // "rotation.promoted", "credential.created", "version.retired", "command.refused" ...
  TimeMs at_ms = 0;
  std::string who;      // admin id, or "engine" for what time alone brings about
  std::string subject;  // client id, admin id or group id
  std::string rotation_id;
  std::string version_id;
  std::string before;  // state before, as text
  std::string after;   // state after
  std::string reason;
  std::string justification;
  std::string ticket;
  std::string correlation_id;
  std::string command;                                      // jti of the command that caused it
  std::string policy_hash;                                  // hex SHA-256 of the rules in force
  std::string node;                                         // node id of the engine that wrote it
  std::vector<std::pair<std::string, std::string>> detail;  // more facts, never secrets
};

}  // namespace shearline::policy
