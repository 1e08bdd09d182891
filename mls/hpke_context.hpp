// HPKE contexts (RFC 9180 section 5): all four modes, sequences of messages and exports. The product needs
// only hpke.hpp; this is the machinery below it, which MLS and the vectors use whole.
#pragma once

#include "mls/hpke.hpp"

namespace shearline::mls::hpke {

enum class Mode : std::uint8_t { base = 0x00, psk = 0x01, auth = 0x02, auth_psk = 0x03 };

// A pre-shared key of the psk modes: at least 32 bytes, and a name.
struct PreShared {
  const Key& psk;
  ByteView psk_id;
};

struct KeySchedule {
  Key key;         // empty for export_only
  Key base_nonce;  // empty for export_only
  Key exporter_secret;
};
// RFC 9180 section 5.1. `pre_shared` is null outside the psk modes.
Result<KeySchedule> key_schedule(Suite suite, Mode mode, const Key& shared_secret, ByteView info,
                                 const PreShared* pre_shared);

// One direction of one conversation. Each call uses the next sequence number; a receiver whose open() failed
// stays where it was. Exports are the same on both sides.
class Context {
 public:
  Context(Suite suite, KeySchedule schedule) : suite_(suite), schedule_(std::move(schedule)) {}
  Key export_secret(ByteView exporter_context, std::size_t length) const;

 protected:
  std::array<Byte, aead_nonce_bytes> next_nonce() const;

  Suite suite_;
  KeySchedule schedule_;
  std::uint64_t sequence_ = 0;
};

class SenderContext : public Context {
 public:
  using Context::Context;
  Result<Bytes> seal(ByteView aad, ByteView plaintext);  // invalid: export-only suite, or too long
};

class ReceiverContext : public Context {
 public:
  using Context::Context;
  Result<Plaintext> open(ByteView aad, ByteView ciphertext);
};

// What makes a mode: a pre-shared key, an authenticated sender, both or neither.
struct SenderOptions {
  const PreShared* pre_shared = nullptr;
  const KeyPair* sender = nullptr;
};
struct ReceiverOptions {
  const PreShared* pre_shared = nullptr;
  ByteView sender_public;
};

// The ephemeral pair is made for this call and never used again; its public key is `enc`.
Result<SenderContext> setup_sender(Suite suite, ByteView recipient_public, ByteView info,
                                   const KeyPair& ephemeral, const SenderOptions& options = {});
Result<ReceiverContext> setup_receiver(Suite suite, ByteView encapsulated, const KeyPair& recipient,
                                       ByteView info, const ReceiverOptions& options = {});

}  // namespace shearline::mls::hpke
