// From the outbox to the trail: what a crash between the steps, or a store that was put back in time, may not do.
#include "actors/audit.hpp"

#include "ledger/trail.hpp"
#include "tests/actors/control_plane.hpp"

#include <gtest/gtest.h>

namespace shearline::actors::test {
namespace {

class TrailOfADeployment : public ::testing::Test {
 protected:
  // How often each kind of event is told by these files together.
  static std::map<std::string, int> told(const std::vector<const Engine*>& engines) {
    ledger::MergedTrail trail;
    std::vector<std::vector<std::string>> lines;
    for (const Engine* engine : engines) {
      std::ifstream in(engine->audit_path());
      EXPECT_TRUE(trail.add(in));
      lines.push_back(engine->audit_lines());
    }
    std::map<std::string, int> counts;
    for (const ledger::TrailEvent& event : std::move(trail).merge()) {
      std::map<std::uint32_t, int> of_file;
      for (const auto& standing : event.standings) EXPECT_EQ(++of_file[standing.file], 1) << event.id;
      const std::string& line = lines[event.standings[0].file][event.standings[0].seq - 1];
      const std::size_t type = line.find("\"type\":\"") + 8;
      ++counts[line.substr(type, line.find('"', type) - type)];
    }
    return counts;
  }
  static std::size_t lines_of(const Engine& engine) { return engine.audit_lines().size(); }

  // A group and a credential whose events are on the first node's disk; the store heard of none of it.
  std::unique_ptr<Engine> write_and_die_before_the_acknowledgement() {
    auto engine = std::make_unique<Engine>(world);
    engine->wait_for_lease();
    world.way.acknowledgements_lost = true;
    EXPECT_EQ(engine->make_group("ops", {"alice", "bob"}).code, Code::ok);
    EXPECT_EQ(engine->run(engine->creation("acme"), world.alice).code, Code::ok);
    engine->wait_for([&] { return engine->audited("rotation.notified") == 1; });
    engine->stop();
    world.way.acknowledgements_lost = false;
    return engine;
  }

  const std::map<std::string, int> everything{{"group.created", 1},
                                              {"credential.created", 1},
                                              {"rotation.prepared", 1},
                                              {"version.pending", 1},
                                              {"rotation.notified", 1}};
  World world;
};

TEST_F(TrailOfADeployment, IsNotDoubledByANodeThatComesBackBeforeItsAcknowledgement) {
  const auto engine = write_and_die_before_the_acknowledgement();
  EXPECT_EQ(told({engine.get()}), everything);
  const std::size_t lines = lines_of(*engine);
  Engine again(world, "node-1");
  again.wait_for_lease();
  again.wait_for_audit();
  EXPECT_EQ(lines_of(again), lines);
}

TEST_F(TrailOfADeployment, ShowsEachEventOnceWhenAnotherNodeTakesOverBeforeTheAcknowledgement) {
  const auto dead = write_and_die_before_the_acknowledgement();
  Engine other(world, "node-2", "audit-2.jsonl");
  other.wait_for_lease();
  other.wait_for_audit();
  EXPECT_EQ(lines_of(other), lines_of(*dead)) << "nobody but the dead node knew that they were on a disk";
  EXPECT_EQ(told({dead.get(), &other}), everything);
  EXPECT_EQ(told({&other, dead.get()}), everything);
}

TEST_F(TrailOfADeployment, IsCompleteOverTheFilesOfAllThatHeldTheLease) {
  auto first = std::make_unique<Engine>(world);
  first->wait_for_lease();
  ASSERT_EQ(first->make_group("ops", {"alice", "bob"}).code, Code::ok);
  first->wait_for_audit();
  first->stop();
  Engine other(world, "node-2", "audit-2.jsonl");
  other.wait_for_lease();
  ASSERT_EQ(other.run(other.creation("acme"), world.alice).code, Code::ok);
  other.wait_for([&] { return other.audited("rotation.notified") == 1; });
  EXPECT_EQ(lines_of(*first), 1U);
  EXPECT_EQ(told({first.get(), &other}), everything);
}

TEST_F(TrailOfADeployment, TakesAnEventOnceThatStandsTwiceInTheOutbox) {
  Engine(world).wait_for_lease();  // founds the store
  store::SealedStore writer(*world.raw, world.keyring.state_key, world.random, world.clock);
  writer.set_fence(writer.raw().raise_fences().value());
  policy::AuditEvent event;
  event.type = "command.refused";
  event.at_ms = world.clock.now;
  event.id = Ulid::make(event.at_ms, world.random).text();
  for (const std::uint64_t revision : {0U, 1U}) {
    store::SealedStore::Put put;
    put.key = {store::Kind::fact, "refusals"};
    put.expected_revision = revision;
    put.events.push_back(wire::encode_event(event));
    ASSERT_TRUE(writer.compare_and_put(put));
  }
  Engine engine(world);
  engine.wait_for_lease();
  engine.wait_for_audit();
  EXPECT_EQ(engine.audited("command.refused"), 1U);
}

// The events were forgotten long ago, and only the file itself still knows them.
TEST_F(TrailOfADeployment, IsNotDoubledByAStoreThatIsPutBackInTime) {
  store::MemoryContents backup;
  {
    const auto engine = write_and_die_before_the_acknowledgement();
    backup = world.raw->contents();
    AuditFile file = std::move(*AuditFile::open(*world.loop, engine->audit_path()));
    ledger::HashChain::Draft draft = file.chain().draft();
    for (std::uint64_t i = 0; i <= ledger::HashChain::remembered_max; ++i) {
      for (const unsigned partition : {store::system_partition, store::partition_of("acme")}) {
        const std::string json = R"({"type":"later","n":)" + std::to_string(2 * i + partition % 2) + "}";
        ledger::HashChain::add(draft, {partition, 100 + i, 0, {}}, as_bytes(json + std::to_string(partition)),
                               json);
      }
    }
    ASSERT_TRUE(file.append(std::move(draft)));
  }
  world.raw->contents() = backup;
  world.raw->contents().lease_holder.clear();
  Engine again(world, "node-1");
  const std::size_t lines = lines_of(again);
  again.wait_for_lease();
  again.wait_for_audit();
  EXPECT_EQ(lines_of(again), lines);
  ASSERT_EQ(again.run(again.creation("other"), world.alice).code, Code::ok) << "and goes on";
  again.wait_for([&] { return again.audited("credential.created") == 2; });
}

}  // namespace
}  // namespace shearline::actors::test
