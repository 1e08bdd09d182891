// Many client ids at once: which are sound, and where each stands in the table. What batch does with every
// pair before it looks anything up; eight ids at a time where the processor has AVX-512. Knows no table.
#pragma once

#include "engine/keyed_hash.hpp"

#include <cstdint>
#include <span>

namespace shearline::engine::client_ids {

struct Examined {
  KeyedHash hash;      // of any bytes, sound or not
  bool sound = false;  // is_client_id()
};

// ids and examined have the same size. An id of more than client_id_bytes_max bytes is not sound, and its hash
// is that of its first client_id_bytes_max bytes.
void examine(const KeyedHasher& hasher, std::span<const ByteView> ids, std::span<Examined> examined);

namespace detail {
void examine_portable(const KeyedHasher& hasher, std::span<const ByteView> ids, std::span<Examined> examined);
// Only where the lanes have an AVX-512 kernel: it asks for the same of the processor.
void examine_avx512(const KeyedHasher& hasher, std::span<const ByteView> ids, std::span<Examined> examined);
}  // namespace detail

}  // namespace shearline::engine::client_ids
