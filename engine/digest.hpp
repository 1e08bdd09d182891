// Algorithm sl1 (design: security.md): K_c = HMAC(pepper, "shearline v1 credential" || 0 || client_id),
// digest = HMAC(K_c, secret). The midstates are what is left of K_c in the table. Used by the table and by
// the engine when it mints or imports; knows no credential's state.
#pragma once

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "engine/lanes.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace shearline::engine {

using lanes::Midstates;

Midstates hmac_midstates(ByteView key);  // RFC 2104, a key of any length
Midstates derive_midstates(const Midstates& pepper, std::string_view client_id);
Midstates derive_midstates(const Key& pepper, std::string_view client_id);
// Of at most so many clients, hashed side by side.
inline constexpr std::size_t derived_together_max = 32;
void derive_midstates(const Midstates& pepper, std::span<const std::string_view> client_ids,
                      std::span<Midstates* const> out);
Digest digest_of(const Midstates& midstates, ByteView secret);
// One step for those who have no table: the engine when it mints or imports.
Digest digest_of(const Key& pepper, std::string_view client_id, ByteView secret);

inline constexpr std::size_t foreign_key_lookup_bytes = 16;

// Keyed fingerprint that finds one secret imported twice; lookup hash under which a foreign api_key finds its
// client.
std::array<Byte, 32> secret_fingerprint(const Key& pepper, ByteView secret);
Key derive_lookup_key(const Key& pepper);
std::array<Byte, foreign_key_lookup_bytes> foreign_key_lookup(const Key& lookup_key, ByteView whole_key);

}  // namespace shearline::engine
