#include "engine/digest.hpp"

#include "base/crypto.hpp"

#include <algorithm>

namespace shearline::engine {
namespace {

constexpr std::string_view credential_label = "shearline v1 credential";
constexpr std::string_view fingerprint_label = "shearline v1 fingerprint";
constexpr std::string_view lookup_label = "shearline v1 foreign key lookup";

lanes::ChainingValue absorb_key(ByteView key, Byte pad) {
  std::array<Byte, lanes::block_bytes> block;
  block.fill(pad);
  for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
  const lanes::ChainingValue state = lanes::after_block(block);
  wipe(block);
  return state;
}

void hash_one(const Midstates& key, ByteView message, std::span<Byte, 32> out) {
  const lanes::Job job{&key, message.data(), message.size(), out.data()};
  lanes::hmac({&job, 1});
}

}  // namespace

Midstates hmac_midstates(ByteView key) {
  Hash hashed{};
  if (key.size() > lanes::block_bytes) {
    hashed = sha256(key);
    key = hashed;
  }
  Midstates midstates;
  midstates.inner = absorb_key(key, 0x36);
  midstates.outer = absorb_key(key, 0x5c);
  wipe(hashed);
  return midstates;
}

Midstates derive_midstates(const Midstates& pepper, std::string_view client_id) {
  Bytes message;
  message.reserve(credential_label.size() + 1 + client_id.size());
  append(message, as_bytes(credential_label));
  message.push_back(0);
  append(message, as_bytes(client_id));
  Digest client_key;
  hash_one(pepper, message, client_key.writable());
  return hmac_midstates(client_key.reveal());
}

Midstates derive_midstates(const Key& pepper, std::string_view client_id) {
  return derive_midstates(hmac_midstates(pepper.reveal()), client_id);
}

Digest digest_of(const Midstates& midstates, ByteView secret) {
  Digest digest;
  hash_one(midstates, secret, digest.writable());
  return digest;
}

Digest digest_of(const Key& pepper, std::string_view client_id, ByteView secret) {
  return digest_of(derive_midstates(pepper, client_id), secret);
}

std::array<Byte, 32> secret_fingerprint(const Key& pepper, ByteView secret) {
  return hmac_sha256(derive_key(pepper, fingerprint_label).reveal(), {secret});
}

Key derive_lookup_key(const Key& pepper) { return derive_key(pepper, lookup_label); }

std::array<Byte, foreign_key_lookup_bytes> foreign_key_lookup(const Key& lookup_key, ByteView whole_key) {
  const Hash whole = hmac_sha256(lookup_key.reveal(), {whole_key});
  std::array<Byte, foreign_key_lookup_bytes> lookup;
  std::copy_n(whole.begin(), lookup.size(), lookup.begin());
  return lookup;
}

}  // namespace shearline::engine
