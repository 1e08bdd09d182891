// What the first octet of an input of the MLS decoders' fuzzer means, and how a saved group is put into one. Shared by
// the fuzzer and the program that makes its seeds.
#pragma once

#include "mls/group.hpp"

#include <optional>

namespace shearline::fuzz {

// All others are parts of these.
enum class Structure : std::uint8_t {
  message,
  key_package,
  leaf_node,
  ratchet_tree,
  proposal,
  commit,
  framed_content,
  authenticated_content,
  group_context,
  group_info,
  group_secrets,
  required_capabilities,
  own_key_package,
  saved_group,
  cryptographic_objects,
  count,
};

inline constexpr std::size_t saved_version_bytes = 1;

inline Bytes bytes_of(const mls::SavedGroup& saved) {
  Bytes out = {static_cast<Byte>(saved.public_state.size() >> 8),
               static_cast<Byte>(saved.public_state.size())};
  append(out, saved.public_state);
  append(out, saved.secret_state.reveal().subspan(saved_version_bytes + mls::hash_bytes));
  return out;
}

inline std::optional<mls::SavedGroup> saved_group_of(ByteView bytes) {
  if (bytes.size() < 2) return std::nullopt;
  const std::size_t public_bytes = static_cast<std::size_t>(bytes[0] << 8 | bytes[1]);
  if (bytes.size() - 2 < public_bytes) return std::nullopt;
  mls::SavedGroup out{.public_state = to_bytes(bytes.subspan(2, public_bytes)), .secret_state = {}};
  Bytes secret = {1};
  append(secret, sha256(out.public_state));
  append(secret, bytes.subspan(2 + public_bytes));
  out.secret_state = Key::copy_of(secret);
  return out;
}

}  // namespace shearline::fuzz
