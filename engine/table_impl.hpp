// The inside of the table: what Batch reads and what the writer keeps for itself. Included by table.cpp, batch.cpp and a
// test that has to know how names are hashed.
#pragma once

#include "engine/entry_store.hpp"
#include "engine/growing_index.hpp"
#include "engine/table.hpp"

#include <atomic>
#include <deque>
#include <new>
#include <vector>

namespace shearline::engine {

struct Table::Impl {
  Impl(const TableOptions& options, std::span<const Key> peppers, Random& random);

  // Readers, within a turn.
  const Index& index() const { return slots.shown(); }
  Turns turns;

  const KeyedHasher hash_client_id;
  const KeyedHasher hash_foreign_lookup;
  // Under which a foreign key is hashed before it is looked up, one for each pepper.
  const std::vector<Midstates> lookup_keys;
  bool has_second_pepper() const { return own_peppers.size() == peppers_max; }
  // The first ones stand in for clients that nobody knows where the index has no neighbour, so that such a check costs
  // what any other costs. They have no version, so they accept nothing.
  EntryStore entries;
  GrowingIndex slots;
  std::atomic<std::size_t> credentials{0};

  // Writer.
  // A credential on its way into the table.
  struct Incoming {
    const CredentialFacts* facts = nullptr;
    KeyedHash client;
    std::uint32_t predecessor = no_entry;  // no_entry: the client is new
    std::uint32_t entry = no_entry;        // written, not yet shown; no_entry: the revision is not newer
  };
  void look_up(std::span<Incoming> incoming) const;
  std::uint32_t write_entry(const Incoming& incoming);
  void derive_midstates_of_new(std::span<const Incoming> incoming);
  bool show(const Incoming& incoming);
  bool is_newer(const CredentialFacts& facts, std::uint32_t than) const;  // than an entry; no_entry: none
  void reclaim();

  struct Retired {
    std::uint64_t epoch;
    std::uint32_t entry;
  };
  // What is left of the peppers, in the locked arena; readers have midstates of single clients only.
  const std::vector<Key> own_peppers;
  const Midstates& own_pepper(std::size_t place) const {
    return *std::launder(reinterpret_cast<const Midstates*>(own_peppers[place].reveal().data()));
  }
  std::deque<Retired> retired;
};

}  // namespace shearline::engine
