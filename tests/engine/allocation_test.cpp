// A program of its own, because it replaces operator new: checks in steady state allocate nothing.
#include "tests/counted_new.hpp"
#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <vector>

namespace shearline::engine {
namespace {

using testing::allocations;
using testing::allocations_are_counted;

TEST(CountedNew, CountsEveryFormOnCountedThreadsOnly) {
  constexpr std::align_val_t line{64};
  // Called as functions: an expression that nobody sees the result of may be left out.
  const std::vector<void* (*)()> forms{
      [] { return ::operator new(8); },
      [] { return ::operator new[](8); },
      [] { return ::operator new(8, std::nothrow); },
      [] { return ::operator new[](8, std::nothrow); },
      [] { return ::operator new(8, line); },
      [] { return ::operator new[](8, line); },
      [] { return ::operator new(8, line, std::nothrow); },
      [] { return ::operator new[](8, line, std::nothrow); },
  };
  const std::size_t before = allocations;
  for (const bool is_counted : {true, false}) {
    allocations_are_counted = is_counted;
    for (void* (*const form)() : forms) std::free(form());
    allocations_are_counted = false;
    EXPECT_EQ(allocations, before + forms.size());
  }
}

TEST(FullBatch, AllocatesNothingWhateverTheChecksAre) {
  World world;
  const std::string foreign = "sk_live_51HxyzABCDEFGHIJ";
  const std::string minted(secret_digits, '0');
  const std::string own_key = key_text("sl", "acme", minted);
  const auto lookup = foreign_key_lookup(derive_lookup_key(world.pepper), as_bytes(foreign));
  world.put({.client_id = "imported", .foreign_key_lookup = lookup}, {{.secret = foreign}});
  world.put("acme", {{.secret = minted}});
  Batch batch(world.table, world.view);

  const std::size_t before = allocations;
  std::size_t accepted = 0;
  allocations_are_counted = true;
  world.table.enter_turn(0);
  for (int round = 0; round < 2; ++round) {
    while (!batch.full()) {
      switch (batch.size() % 5) {
        case 0:
          batch.add_pair(as_bytes("acme"), as_bytes(minted));
          break;
        case 1:
          batch.add_pair(as_bytes("nobody"), as_bytes(own_key));
          break;
        case 2:
          batch.add_key(as_bytes(own_key));
          break;
        case 3:
          batch.add_key(as_bytes(foreign));
          break;
        default:
          batch.add_pair(as_bytes(""), as_bytes(""));
          break;
      }
    }
    batch.run(World::now);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      accepted += batch.match(i).outcome == Outcome::current ? 1U : 0U;
      accepted += batch.client_id(i).empty() ? 0U : 1U;
    }
    batch.clear();
  }
  world.table.leave_turn(0);
  allocations_are_counted = false;
  EXPECT_EQ(allocations, before);
  EXPECT_GT(accepted, batch_checks_max);
}

}  // namespace
}  // namespace shearline::engine
