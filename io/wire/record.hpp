// Credentials, admins, groups and events as msgpack payloads of records (design: protocols.md section 5).
// Decoders limit depth, size and counts before they allocate and refuse trailing bytes, duplicate keys and
// unknown versions of the layout. Ack tags are sealed (AES-256-GCM under a key derived from the state key)
// before they enter a payload.
#pragma once

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "policy/event.hpp"
#include "policy/model.hpp"

namespace shearline::wire {

// Holds the key under which ack tags are sealed.
class RecordCodec {
 public:
  RecordCodec(const Key& state_key, Random& random);

  Bytes encode(const policy::Credential& credential) const;
  Bytes encode(const policy::Admin& admin) const;
  Bytes encode(const policy::Group& group) const;
  Result<policy::Credential> decode_credential(ByteView payload) const;
  Result<policy::Admin> decode_admin(ByteView payload) const;
  Result<policy::Group> decode_group(ByteView payload) const;

 private:
  Key tag_key_;
  Random& random_;
};

Bytes encode_event(const policy::AuditEvent& event);
Result<policy::AuditEvent> decode_event(ByteView payload);
std::string event_json(const policy::AuditEvent& event);  // one JSON object, one line

}  // namespace shearline::wire
