// RFC 9420 section 8.4: pre-shared keys and the psk_secret they add to the key schedule. External ones are
// looked up with the caller; the product has none, so it refuses what names one. Used by group.
#pragma once

#include "mls/crypto.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace shearline::mls {

enum class PskType : std::uint8_t { external = 1, resumption = 2 };

struct PreSharedKeyId {  // section 8.4
  PskType type = PskType::external;
  Bytes psk_id;                 // external
  std::uint8_t usage = 1;       // resumption: 1 application, 2 reinit, 3 branch
  Bytes psk_group_id;           // resumption
  std::uint64_t psk_epoch = 0;  // resumption
  Bytes psk_nonce;
  bool operator==(const PreSharedKeyId&) const = default;
};
void write(Writer& out, const PreSharedKeyId& value);
PreSharedKeyId read_pre_shared_key_id(Reader& in);

// The external PSK of that id, if the caller has one.
using PskLookup = std::function<std::optional<Key>(ByteView psk_id)>;

// Section 8.4. Nh zero bytes without any PSK. not_found: the caller has no PSK of that id. policy_violation: a resumption PSK.
// invalid: a nonce that is not Nh bytes long, or one id twice (section 12.2).
Result<Key> psk_secret(const std::vector<PreSharedKeyId>& ids, const PskLookup& lookup);

}  // namespace shearline::mls
