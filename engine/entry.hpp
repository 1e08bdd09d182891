// One credential as a check needs it: three cache lines that are never changed once a slot of the index points
// at them, and beside them what few need. Written by the table, read by judge.hpp; knows no index and no batch.
#pragma once

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "base/ulid.hpp"
#include "engine/digest.hpp"
#include "engine/keyed_hash.hpp"
#include "engine/table.hpp"
#include "engine/verdict.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace shearline::engine {

inline constexpr std::size_t entry_bytes = 192;

// What a check compares of a digest: 128 bits, as much as any MAC shows. The store has all 256 (docs/adr/0007).
using ShortDigest = SecretArray<16, struct ShortDigestTag>;
ShortDigest shortened(std::span<const Byte, 32> digest);

// What an entry says beside digests and windows, eight bytes, so that a check takes it in at once. Bit i of a mask speaks
// of the version with index i, bit 4 + i of the dead digest with index i.
struct Standing {
  static constexpr unsigned dead_at = 4;
  std::uint8_t in_use = 0;        // places of versions and dead digests that hold one
  std::uint8_t under_second = 0;  // made under the second pepper in use; else under the first
  std::uint8_t revoked = 0;       // of the dead ones; else retired
  std::uint8_t strict_when_stale : 1 = false;
  std::uint8_t suspended : 1 = false;
  std::uint8_t has_foreign_key : 1 = false;             // EntryExtra::foreign_key
  std::array<Outcome, accepting_versions_max> roles{};  // current, grace or next
  std::uint8_t partition = 0;
};
static_assert(sizeof(Standing) == sizeof(std::uint64_t));
static_assert(accepting_versions_max <= Standing::dead_at && dead_digests_max <= 8 - Standing::dead_at);

// judge_avx512.cpp compares the first line and the last as they lie here.
struct alignas(64) Entry {
  KeyedHash client;
  std::array<ShortDigest, accepting_versions_max> digests;
  Midstates midstates;
  std::array<TimeMs, accepting_versions_max> not_after_ms{};    // the hard end counted in
  std::array<std::uint64_t, dead_digests_max> dead_prefixes{};  // the first bytes of what is accepted no more
  Standing standing;
};
static_assert(sizeof(Entry) == entry_bytes);

// The rare part of what lies beside an entry.
struct EntryExtra {
  std::array<Ulid, accepting_versions_max - 1> more_version_ids;  // of the second version and the third
  KeyedHash foreign_key;                                          // where an imported api_key is found
  std::string client_id;                                          // kept for foreign keys only
};
struct EntrySide {
  std::uint64_t revision = 0;
  Ulid version_id;  // of the first version
  std::unique_ptr<const EntryExtra> extra;

  Ulid version_id_of(std::size_t version) const {
    if (version == 0) return version_id;
    return extra != nullptr ? extra->more_version_ids[version - 1] : Ulid{};
  }
};
static_assert(sizeof(EntrySide) <= 32);

std::uint64_t prefix_of(std::span<const Byte, 32> digest);

}  // namespace shearline::engine
