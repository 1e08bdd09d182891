// RFC 9420 section 6.3: content that is signed and encrypted, with the sender hidden beside it. Takes its keys
// from the secret tree it is given; who calls keeps the tree's new state only if all went well.
#pragma once

#include "mls/framing.hpp"
#include "mls/secret_tree.hpp"

namespace shearline::mls {

// Section 6.3. `message` is signed already (sign_content), with wire format private_message and from a member. Spends one
// generation of `secrets`. invalid: too long.
Result<PrivateMessage> protect_private(CipherSuite suite, const AuthenticatedContent& message,
                                       const Key& sender_data_secret, SecretTree& secrets,
                                       std::size_t padding_bytes, Random& random);

// Section 6.3.2. Who claims to have sent the message, and with which key.
struct SenderData {
  LeafIndex leaf;
  std::uint32_t generation = 0;
  std::array<Byte, 4> reuse_guard{};
};
// invalid: wrong length, or the tag does not fit.
Result<SenderData> open_sender_data(CipherSuite suite, const PrivateMessage& message,
                                    const Key& sender_data_secret);

// Section 6.3.1. The content is genuine only when verify_content says so too: until then the caller must be able to forget
// what was taken from `secrets`. invalid: tag, content or padding is not as it must be, or the key is gone.
Result<AuthenticatedContent> unprotect_private(CipherSuite suite, const PrivateMessage& message,
                                               const SenderData& sender, SecretTree& secrets);

}  // namespace shearline::mls
