// Many client ids at once: which are sound, and where each stands in the table. What batch does with every
// pair before it looks anything up; sixteen ids at a time where the processor has AVX-512. Knows no table.
#pragma once

#include "engine/keyed_hash.hpp"

#include <cstdint>
#include <span>

namespace shearline::engine::client_ids {

// Of at most 64 ids: bit i of the result says that ids[i] is sound (is_client_id()); hashes[i] is what it hashes to,
// sound or not. Of an id of more than client_id_bytes_max bytes, which is not sound, only so many are hashed.
std::uint64_t examine(const KeyedHasher& hasher, std::span<const ByteView> ids, KeyedHash* hashes);

namespace detail {
std::uint64_t examine_portable(const KeyedHasher& hasher, std::span<const ByteView> ids, KeyedHash* hashes);
// Only where the lanes have an AVX-512 kernel: it asks for the same of the processor.
std::uint64_t examine_avx512(const KeyedHasher& hasher, std::span<const ByteView> ids, KeyedHash* hashes);
}  // namespace detail

}  // namespace shearline::engine::client_ids
