// The inside of the table: what Batch reads and what the writer keeps for itself. Included by table.cpp and
// batch.cpp only.
#pragma once

#include "engine/entry_store.hpp"
#include "engine/growing_index.hpp"
#include "engine/table.hpp"

#include <atomic>
#include <deque>
#include <vector>

namespace shearline::engine {

struct Table::Impl {
  Impl(const TableOptions& options, std::span<const Key> peppers, Random& random);

  // Readers, within a turn.
  const Index& index() const { return slots.shown(); }
  // Stands in for a client nobody knows, so that such a check costs what any other costs. Accepts nothing.
  const Entry nobody;
  const Midstates nobody_under_second;
  // An address among the entries, for a client nobody knows: fetched and not read, so that the memory is as busy with
  // such a check as with any other.
  const Entry* somebody(KeyedHash hash) const {
    const std::uint64_t count = credentials.load(std::memory_order_relaxed);
    return &entries.entry(static_cast<std::uint32_t>((hash.high >> 32) * count >> 32));
  }
  Turns turns;

  const KeyedHasher hash_client_id;
  const KeyedHasher hash_foreign_lookup;
  // Under which a foreign key is hashed before it is looked up, one for each pepper.
  const std::vector<Midstates> lookup_keys;
  bool has_second_pepper() const { return own_peppers.size() == peppers_max; }
  EntryStore entries;
  GrowingIndex slots;
  std::atomic<std::size_t> credentials{0};

  // Writer.
  std::uint32_t write_entry(const CredentialFacts& facts, KeyedHash client, std::uint32_t predecessor);
  void reclaim();

  struct Retired {
    std::uint64_t epoch;
    std::uint32_t entry;
  };
  const std::vector<Key> own_peppers;  // in the locked arena; readers have midstates of single clients only
  std::deque<Retired> retired;
};

}  // namespace shearline::engine
