#include "engine/digest.hpp"

#include "base/check.hpp"
#include "base/crypto.hpp"
#include "engine/api_key.hpp"

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

// The label, a zero byte and the client id.
using ClientMessage = std::array<Byte, credential_label.size() + 1 + client_id_bytes_max>;
std::size_t write_message(std::string_view client_id, ClientMessage& message) {
  SHEARLINE_CHECK(client_id.size() <= client_id_bytes_max);
  Byte* end = std::ranges::copy(as_bytes(credential_label), message.begin()).out;
  *end++ = 0;
  end = std::ranges::copy(as_bytes(client_id), end).out;
  return static_cast<std::size_t>(end - message.data());
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

void derive_midstates(const Midstates& pepper, std::span<const std::string_view> client_ids,
                      std::span<Midstates* const> out) {
  SHEARLINE_CHECK(client_ids.size() <= derived_together_max && out.size() >= client_ids.size());
  std::array<ClientMessage, derived_together_max> messages;
  std::array<Byte, derived_together_max * lanes::digest_bytes> client_keys;
  std::array<lanes::Job, derived_together_max> jobs;
  for (std::size_t i = 0; i < client_ids.size(); ++i) {
    jobs[i] = {&pepper, messages[i].data(), write_message(client_ids[i], messages[i]),
               &client_keys[i * lanes::digest_bytes]};
  }
  lanes::hmac(std::span(jobs).first(client_ids.size()));
  for (std::size_t i = 0; i < client_ids.size(); ++i)
    *out[i] = hmac_midstates({jobs[i].digest, lanes::digest_bytes});
  wipe(std::span(client_keys).first(client_ids.size() * lanes::digest_bytes));
}

Midstates derive_midstates(const Midstates& pepper, std::string_view client_id) {
  Midstates midstates;
  Midstates* const out = &midstates;
  derive_midstates(pepper, {&client_id, 1}, {&out, 1});
  return midstates;
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
