// Group envelopes and the plaintext of a delivered secret, as msgpack (design: protocols.md section 4). Used
// by the engine (distribution) and by the admin's side (inbox). Unknown fields are ignored, an unknown `v` is
// refused; depth 4, size 1 MiB, 64 map entries and 4,096 array items are checked before anything is
// allocated.
#pragma once

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/ulid.hpp"
#include "policy/model.hpp"

#include <optional>
#include <string>
#include <vector>

namespace shearline::wire {

inline constexpr std::size_t envelope_bytes_max = 1 << 20;
inline constexpr std::size_t sealed_for_max = 256;

enum class EnvelopeKind : std::uint8_t { sealed, welcome, commit, notify, notice };
std::string_view name_of(EnvelopeKind kind);

struct SealedFor {
  std::string admin_id;
  Bytes encapsulated;  // HPKE enc
  Bytes ciphertext;
};

struct Envelope {
  Ulid id;
  std::string group_id;
  std::uint64_t generation = 1;
  EnvelopeKind kind = EnvelopeKind::sealed;
  std::uint64_t epoch = 0;
  std::vector<std::string> to;
  Bytes mls;
  TimeMs at_ms = 0;
  std::vector<SealedFor> sealed;
  // What the sealed plaintext is bound to; travels in the clear so that a member can rebuild the associated
  // data.
  std::string rotation_id;
  std::string client_id;
  std::string version_id;
  std::optional<TimeMs> window_ends_ms;  // notice: the actual end of the old version's window
  Signature signature{};
};

// Signs the map without `sig` with the engine's identity and returns the finished envelope.
Bytes encode_signed(const Envelope& envelope, const Key& engine_seed);
// invalid: not an envelope; unauthorized: the signature is not the pinned engine's.
Result<Envelope> decode_signed(ByteView bytes, const PublicKey& engine_key);

// Associated data of every sealed secret: msgpack array [gid, rotation_id, client_id, version_id].
Bytes associated_data(std::string_view group_id, std::string_view rotation_id, std::string_view client_id,
                      std::string_view version_id);
// HPKE info: "shearline v1 sealed" || 0x00 || gid || 0x00 || admin_id.
Bytes sealed_info(std::string_view group_id, std::string_view admin_id);

struct DeliveredSecret {
  std::string rotation_id;
  std::string client_id;
  std::string version_id;
  Secret secret;
  Plaintext api_key;  // empty: the credential has no key form
  TimeMs not_before_ms = 0;
  std::int64_t grace_ms = 0;
  TimeMs issued_at_ms = 0;
  policy::Metadata metadata;
};
// msgpack, padded with zero bytes inside a `pad` field to a multiple of 256 bytes. Written in the arena
// throughout.
Plaintext encode_secret(const DeliveredSecret& delivered);
Result<DeliveredSecret> decode_secret(const Plaintext& plaintext);

// ack_tag = HMAC(secret, "shearline v1 ack" || 0 || rotation_id || 0 || admin_id) (security.md
// "Acknowledgement").
AckTag ack_tag(const Secret& secret, std::string_view rotation_id, std::string_view admin_id);

}  // namespace shearline::wire
