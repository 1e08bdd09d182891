// RFC 9420 section 9: the secret tree and the ratchets that give each message its own key and nonce. Used by
// group through private_message; knows leaves and generations, no message.
//
// A SecretTree is a value: copying it is cheap because secrets are shared and never changed in place. The
// caller takes a key from a copy and keeps the copy only when the message was genuine, so that a forged one
// spends nothing; the last owner's end wipes what was spent.
#pragma once

#include "mls/crypto.hpp"
#include "mls/tree_math.hpp"

#include <memory>
#include <vector>

namespace shearline::mls {

enum class RatchetType : std::uint8_t { handshake = 0, application = 1 };

struct MessageKey {
  Key key;
  Key nonce;  // before the reuse guard
};

class SecretTree {
 public:
  SecretTree() = default;
  // Section 9. `leaves` is the size of the ratchet tree.
  SecretTree(CipherSuite suite, std::uint32_t leaves, Key encryption_secret);

  struct Sent {
    std::uint32_t generation = 0;
    std::shared_ptr<const MessageKey> key;
  };
  // Section 9.1: the next unused generation. invalid: the ratchet has no generation left.
  Result<Sent> next(LeafIndex sender, RatchetType type);
  // The key of that generation, gone from this tree afterwards. Skipped generations keep key and nonce, not
  // the secret (section 9.2). invalid: used, too old, or more than ratchet_steps_max ahead.
  Result<std::shared_ptr<const MessageKey>> take(LeafIndex sender, RatchetType type,
                                                 std::uint32_t generation);

  // Section 9.2: of an epoch that is over only application messages of others are still read.
  void end_epoch(LeafIndex own);

  std::uint32_t next_generation(LeafIndex sender, RatchetType type) const;  // 0 before the first
  std::uint32_t leaves() const { return leaves_; }

  // For the saved state (group_state). Everything in it is secret.
  void write_state(Writer& out) const;
  // `leaves`: of the ratchet tree it must belong to.
  static SecretTree read_state(Reader& in, CipherSuite suite, std::uint32_t leaves);

 private:
  struct Skipped {
    std::uint32_t generation = 0;
    std::shared_ptr<const MessageKey> key;
  };
  struct Ratchet {
    std::uint32_t generation = 0;  // of `secret`: the next one
    std::shared_ptr<const Key> secret;
    std::vector<Skipped> skipped;  // ascending
  };
  struct Node {
    NodeIndex index;
    std::shared_ptr<const Key> secret;
  };
  struct LeafRatchet {
    std::uint32_t id = 0;  // leaf * 2 + type
    std::shared_ptr<const Ratchet> ratchet;
  };

  Ratchet read_ratchet(Reader& in);
  Status derive_ratchets(LeafIndex leaf);
  Result<LeafRatchet*> ratchet_of(LeafIndex sender, RatchetType type);
  std::shared_ptr<const MessageKey> step(Ratchet& ratchet) const;
  static void advance(Ratchet& ratchet);
  void keep_skipped(Ratchet& ratchet, Skipped skipped);

  CipherSuite suite_ = CipherSuite::x25519_aes128gcm_sha256_ed25519;
  std::uint32_t leaves_ = 0;
  std::size_t skipped_keys_ = 0;       // over all ratchets
  std::vector<Node> nodes_;            // by index; only those that are not consumed
  std::vector<LeafRatchet> ratchets_;  // by id; only those that were needed
};

}  // namespace shearline::mls
