// The whole control plane over the memory store, in one thread: every actor but the Redis channel, a clock the
// test holds, and admins with keys. Commands go in as the JWS an admin would sign, answers come back as the JWS
// they would get.
#pragma once

#include "actors/admin.hpp"
#include "actors/audit.hpp"
#include "actors/audit_file.hpp"
#include "actors/distribution.hpp"
#include "actors/keeper.hpp"
#include "actors/replica.hpp"
#include "actors/rotation.hpp"
#include "engine/batch.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "io/store/memory_store.hpp"
#include "ledger/trail.hpp"
#include "mls/hpke.hpp"
#include "policy/jws.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace shearline::actors::test {

class HeldClock final : public Clock {
 public:
  TimeMs now_ms() override { return now; }
  TimeMs now = 1'790'000'000'000;
};

struct TestAdmin {
  policy::Admin record;
  Key signing_seed;
  Key opening_key;
};

inline TestAdmin make_admin(const std::string& id, Random& random) {
  TestAdmin admin;
  admin.signing_seed = random_key(random);
  admin.opening_key = random_key(random);
  admin.record.admin_id = id;
  admin.record.person = id + "@example.test";
  admin.record.signing_key = ed25519_public(admin.signing_seed);
  admin.record.sealing_key = x25519_public(admin.opening_key);
  admin.record.sealing_key_proof = keys::prove_sealing_key(admin.signing_seed, id, admin.record.sealing_key);
  return admin;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "shearline-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The way to the store, on which what a test names gets lost.
class LossyWay final : public store::RawStore {
 public:
  explicit LossyWay(store::RawStore& there) : there_(there) {}

  enum class Loss { nothing, command, answer };
  std::function<Loss(const store::RawPut&)> of_put = [](const store::RawPut&) { return Loss::nothing; };
  bool acknowledgements_lost = false;

  Result<store::PutOutcome> compare_and_put(const store::RawPut& put) override {
    const auto ask = of_put;  // it may put another one in its place
    const Loss loss = ask(put);
    if (loss == Loss::command) return lost();
    Result<store::PutOutcome> outcome = there_.compare_and_put(put);
    return loss == Loss::answer ? lost() : outcome;
  }
  Result<store::PutOutcome> acknowledge_outbox(unsigned partition, std::uint64_t counter, std::uint32_t index,
                                               std::uint64_t fence) override {
    if (acknowledgements_lost) return lost();
    return there_.acknowledge_outbox(partition, counter, index, fence);
  }

  Status scan(unsigned partition, const TakePage& take) override { return there_.scan(partition, take); }
  Result<std::optional<Bytes>> get(unsigned partition, std::string_view field) override {
    return there_.get(partition, field);
  }
  Result<store::RawHead> head(unsigned partition) override { return there_.head(partition); }
  Result<std::vector<store::RawChange>> changes(unsigned partition, const store::Position& from,
                                                std::int64_t wait_ms) override {
    return there_.changes(partition, from, wait_ms);
  }
  Result<std::optional<store::RawChange>> change_at(unsigned partition, std::uint64_t counter) override {
    return there_.change_at(partition, counter);
  }
  Result<std::vector<store::OutboxEntry>> outbox(unsigned partition, std::size_t at_most) override {
    return there_.outbox(partition, at_most);
  }
  Result<std::vector<store::DueEntry>> due(unsigned partition, TimeMs until, std::size_t at_most) override {
    return there_.due(partition, until, at_most);
  }
  Result<std::optional<TimeMs>> next_due(unsigned partition) override { return there_.next_due(partition); }
  Result<store::PutOutcome> append(std::string_view group_id, ByteView envelope,
                                   std::uint64_t fence) override {
    return there_.append(group_id, envelope, fence);
  }
  Result<std::vector<store::StreamEntry>> read_group(std::string_view group_id, std::string_view after,
                                                     std::size_t at_most, std::int64_t wait_ms) override {
    return there_.read_group(group_id, after, at_most, wait_ms);
  }
  Result<Lease> lease(std::string_view node_id, std::int64_t ttl_ms) override {
    return there_.lease(node_id, ttl_ms);
  }
  Status release_lease(std::string_view node_id) override { return there_.release_lease(node_id); }
  Result<std::uint64_t> raise_fences() override { return there_.raise_fences(); }
  Status raise_group_fence(std::string_view group_id, std::uint64_t fence) override {
    return there_.raise_group_fence(group_id, fence);
  }
  Result<TimeMs> store_time_ms() override { return there_.store_time_ms(); }

 private:
  static std::unexpected<Error> lost() { return fail(Code::unavailable, "the connection broke"); }
  store::RawStore& there_;
};

// What outlives one engine: the store, the clock, the data folder, the keys.
struct World {
  HeldClock clock;
  SeededRandom random{7};
  TemporaryFolder folder;
  std::unique_ptr<loop::Loop> loop = std::move(*loop::make_uring_loop({}));
  loop::FiberScheduler fibers{*loop};
  std::unique_ptr<store::MemoryStore> raw = store::make_memory_store(loop.get(), clock);
  LossyWay way{*raw};
  keys::Keyring keyring = keys::make_keyring("staging-1", random);
  policy::Rules rules = *policy::parse_rules("bootstrap = true\n", "rules.toml");
  TestAdmin alice = make_admin("alice", random);
  TestAdmin bob = make_admin("bob", random);
};

class Engine {
 public:
  explicit Engine(World& world, const std::string& node = "node-1", const std::string& audit = "audit.jsonl",
                  std::int64_t lease_ttl_ms = lease_ttl_default_ms)
      : world_(world),
        lease_ttl_ms_(lease_ttl_ms),
        audit_path_(world.folder.file(audit)),
        context_{*world.loop,   world.clock, world.random, store_, codec_,
                 world.keyring, world.rules, node,         "none"} {
    audit_.start().value();
    distribution_.start();
    rotation_.start();
    admin_.start();
    replica_.start();
    keeper_.start();
  }
  ~Engine() { stop(); }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void stop() {
    if (stopped_) return;
    stopped_ = true;
    admin_.stop();
    rotation_.stop();
    distribution_.stop();
    audit_.stop();
    keeper_.stop();
    replica_.stop();
  }

  // Parks until the condition holds; a test that waits for what never comes is ended by the runner's time limit.
  template <class Condition>
  void wait_for(Condition condition) {
    while (!condition()) loop::sleep_for_ms(*world_.loop, 1);
  }
  void wait_for_lease() {
    wait_for([this] { return keeper_.held(); });
  }

  policy::Command command(const TestAdmin& admin, policy::Verb verb, std::string credential = {}) {
    policy::Command command;
    command.kid = admin.record.admin_id;
    command.audience = policy::audience_of(world_.keyring.deployment);
    command.issued_at_ms = world_.clock.now / 1000 * 1000;
    command.expires_at_ms = command.issued_at_ms + 60'000;
    command.jti = Ulid::make(world_.clock.now, world_.random);
    command.verb = verb;
    command.credential = std::move(credential);
    command.reason = "test";
    return command;
  }

  static std::string sign(const policy::Command& command, const TestAdmin& admin) {
    return policy::sign_jws(policy::encode_command(command), policy::command_type, command.kid,
                            admin.signing_seed);
  }

  // The signed answer to this JWS, checked as an admin's machine checks it.
  policy::Answer send(const std::string& jws, const Ulid& jti) {
    answers_.erase(jti.text());
    admin_.mailbox().send(CommandReceived{jws});
    wait_for([&] { return answers_.contains(jti.text()); });
    const auto parsed = policy::parse_jws(answers_[jti.text()], policy::reply_type);
    if (!parsed || !policy::verify_jws(*parsed, ed25519_public(world_.keyring.signing_seed))) std::abort();
    return *policy::decode_answer(parsed->claims_json);
  }
  policy::Answer run(const policy::Command& command, const TestAdmin& admin) {
    return send(sign(command, admin), command.jti);
  }
  void drop(const std::string& jws) { admin_.mailbox().send(CommandReceived{jws}); }  // and do not wait
  bool heard_answer(const Ulid& jti) const { return answers_.contains(jti.text()); }

  policy::Answer make_group(const std::string& id, std::vector<std::string> members) {
    policy::Command create = command(world_.alice, policy::Verb::group_create);
    create.params.group = id;
    create.params.members = std::move(members);
    return run(create, world_.alice);
  }
  policy::Command creation(const std::string& client_id, const std::string& group = "ops") {
    policy::Command create = command(world_.alice, policy::Verb::credential_create, client_id);
    create.params.kind = policy::CredentialKind::oauth2_client_secret;
    create.params.group = group;
    create.params.metadata = {"team-a", "billing", "staging", "acme", "internal", 90 * policy::day_ms};
    return create;
  }

  // The newest secret in the group's stream that is sealed for this admin.
  std::optional<wire::DeliveredSecret> newest_secret(const std::string& group, const TestAdmin& admin) {
    const std::string& id = admin.record.admin_id;
    const auto entries = world_.raw->read_group(group, "", 1000, 0).value();
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      const auto envelope =
          wire::decode_signed(entry->envelope, ed25519_public(world_.keyring.signing_seed)).value();
      for (const wire::SealedFor& sealed : envelope.sealed) {
        if (sealed.admin_id != id) continue;
        const Bytes aad =
            wire::associated_data(group, envelope.rotation_id, envelope.client_id, envelope.version_id);
        const auto plaintext =
            mls::hpke::open_base(mls::hpke::default_suite, sealed.encapsulated, admin.opening_key,
                                 wire::sealed_info(group, id), aad, sealed.ciphertext);
        return std::move(*wire::decode_secret(plaintext.value()));
      }
    }
    return std::nullopt;
  }
  policy::Command acknowledgement(const wire::DeliveredSecret& secret, const TestAdmin& admin) {
    policy::Command ack = command(admin, policy::Verb::ack, secret.client_id);
    ack.rotation_id = secret.rotation_id;
    const AckTag tag = wire::ack_tag(secret.secret, secret.rotation_id, admin.record.admin_id);
    ack.params.ack_tag = to_bytes(tag.reveal());
    return ack;
  }

  char check(std::string_view client_id, ByteView secret) {
    engine::Batch batch(table_, view_);
    table_.enter_turn(0);
    batch.add_pair(as_bytes(client_id), secret);
    batch.run(world_.clock.now);
    const char verdict = static_cast<char>(batch.verdict(0));
    table_.leave_turn(0);
    return verdict;
  }

  // Time passes and the timers look again.
  void pass(std::int64_t ms) {
    world_.clock.now += ms;
    rotation_.mailbox().send_control(ClockMoved{});
  }

  void look_at_deadlines(unsigned partition) { rotation_.mailbox().send(StoreMended{partition}); }

  std::vector<std::string> audit_lines() const {
    std::ifstream in(audit_path_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  std::size_t audited(std::string_view type) const {
    std::size_t count = 0;
    const std::string wanted = "\"type\":\"" + std::string(type) + "\"";
    for (const std::string& line : audit_lines()) count += line.find(wanted) != std::string::npos ? 1 : 0;
    return count;
  }
  std::size_t audit_lines_about(std::string_view subject) const {
    const std::string wanted = "\"subject\":\"" + std::string(subject) + "\"";
    std::size_t count = 0;
    for (const std::string& line : audit_lines()) count += line.find(wanted) != std::string::npos ? 1 : 0;
    return count;
  }
  void wait_for_audit() {
    wait_for([this] {
      for (unsigned p = 0; p < store::partition_count; ++p) {
        if (!world_.raw->outbox(p, 1).value().empty()) return false;
      }
      return true;
    });
  }

  Keeper& keeper() { return keeper_; }
  Replica& replica() { return replica_; }
  store::SealedStore& store() { return store_; }
  CounterMemory& counters() { return memory_; }
  const std::string& audit_path() const { return audit_path_; }

 private:
  World& world_;
  std::int64_t lease_ttl_ms_;
  std::string audit_path_;
  store::SealedStore store_{world_.way, world_.keyring.state_key, world_.random, world_.clock};
  wire::RecordCodec codec_{world_.keyring.state_key, world_.random};
  ActorContext context_;
  Directory directory_{std::vector<policy::Admin>{world_.alice.record}};
  engine::View view_;
  engine::Table table_{{}, world_.keyring.current().key, world_.random};
  std::map<std::string, std::string> answers_;
  CounterMemory memory_{std::string()};
  KnownState known_{[this](std::string_view id) { return table_.revision_of(id); },
                    [this](const Hash& fingerprint) { return replica_.fingerprint_known(fingerprint); },
                    [this](std::string_view client_id, std::string_view after, std::size_t at_most) {
                      return audit_.events_about(client_id, after, at_most);
                    }};
  Audit audit_{context_, audit_path_};
  Distribution distribution_{context_, directory_};
  Rotation rotation_{context_, directory_, known_, distribution_.mailbox(), audit_.mailbox()};
  Admin admin_{
      context_,         directory_,
      known_,           rotation_.mailbox(),
      audit_.mailbox(), [this](const std::string& jti, const std::string& jws) { answers_[jti] = jws; }};
  Replica replica_{context_, table_, view_, directory_, rotation_.mailbox(), audit_.mailbox(), memory_};
  Keeper keeper_{context_,
                 directory_,
                 replica_,
                 {admin_.mailbox(), rotation_.mailbox(), audit_.mailbox()},
                 lease_ttl_ms_};
  bool stopped_ = false;
};

}  // namespace shearline::actors::test
