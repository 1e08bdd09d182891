// The inside of the table: what Batch reads and what the writer keeps for itself. Included by table.cpp and
// batch.cpp only.
#pragma once

#include "engine/entry_store.hpp"
#include "engine/index.hpp"
#include "engine/table.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

namespace shearline::engine {

struct Table::Impl {
  Impl(const TableOptions& options, std::span<const Key> peppers, Random& random);

  // Readers, within a turn.
  const Index& index() const { return *published_index.load(std::memory_order_acquire); }
  // Whole hashes compared; no_entry if it is not there.
  Index::Probe find(const Index& in, SlotKind kind, KeyedHash hash) const;
  bool is_it(std::uint32_t number, SlotKind kind, KeyedHash hash) const;
  KeyedHash foreign_key_of(std::uint32_t number) const { return entries.side(number).extra->foreign_key; }
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
  std::atomic<const Index*> published_index{nullptr};
  std::atomic<std::size_t> credentials{0};

  // Writer.
  std::uint32_t write_entry(const CredentialFacts& facts, KeyedHash client, std::uint32_t predecessor);
  void point_at(SlotKind kind, KeyedHash hash, std::uint32_t number);
  void forget_foreign_key(std::uint32_t number);
  void retire_entry(std::uint32_t number);
  void publish(std::unique_ptr<Index> fresh);  // the one before is retired
  void grow();
  void reclaim();

  template <class Thing>
  struct Retired {
    std::uint64_t epoch;
    Thing thing;
  };
  const std::vector<Key> own_peppers;  // in the locked arena; readers have midstates of single clients only
  const std::size_t capacity_hint;
  std::unique_ptr<Index> own_index;  // what published_index points at
  std::deque<Retired<std::uint32_t>> retired_entries;
  std::deque<Retired<std::unique_ptr<Index>>> retired_indexes;
};

}  // namespace shearline::engine
