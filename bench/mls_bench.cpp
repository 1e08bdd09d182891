// What the operations of a group cost on one thread in suite 1 (performance.md P8), and beside each the share that its
// Ed25519, X25519 and AEAD calls would take alone: those are counted while the operation runs and measured by themselves
// in the same rounds, so that the share travels between machines. Everything comes from one seed: each pass of an
// operation starts from the same state and must give the same bytes, and a hash of all bytes and counts is printed, so
// that nothing can be measured that is not done. Run by scripts/bench; timing decides nothing here.
#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "bench/measuring.hpp"
#include "bench/mls_primitives.hpp"
#include "mls/group.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace shearline::bench {
namespace {

using namespace mls;
using nlohmann::json;

constexpr std::uint64_t now_s = 1'800'000'000;
constexpr std::uint64_t lifetime_seconds = 30ULL * 24 * 3600;
constexpr CipherSuite suite = CipherSuite::x25519_aes128gcm_sha256_ed25519;
constexpr std::uint64_t key_package_seed = 1'000'000;  // no epoch comes near
constexpr std::size_t application_data_bytes = 128;    // about what carries one secret
constexpr std::size_t authenticated_data_bytes = 32;
constexpr std::size_t messages_per_pass = messages_per_epoch_advised_max;  // then a group commits

struct Options {
  int rounds = 9;
  double seconds = 0.03;  // of each operation in each round, and at least one pass
  std::vector<std::uint32_t> members = {2, 10, 100, 1000};
  std::string only;  // the operation of this name; empty: all
  bool as_json = false;
};

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

// What an operation draws: the same in each pass, and never what another epoch's does.
struct Seeded {
  explicit Seeded(std::uint64_t epoch) : random(epoch) {}

  SeededRandom random;
  IdentityCheck everybody;
  Outside outside{.random = random, .now_s = now_s, .identities = everybody};
};

// ---- the group that is measured, in the states that operations start from ----

struct Created {
  Group group;
  Bytes welcome;
};

struct Scene {
  std::vector<OwnKeyPackage> packages;  // by leaf
  Created cold;                         // nobody but the leader, leaf 0, has committed yet
  Group leader;                         // warm: beside each node of its path stands a key for all below
  Group follower;                       // of the leader's epoch
  std::vector<Bytes> messages;          // of the leader, in order
  Bytes commit;                         // of the leader
  SavedGroup saved;                     // the leader
};

OwnKeyPackage key_package(const std::string& name, Random& random) {
  return value_of(
      make_key_package({.cipher_suite = suite,
                        .credential = basic_credential(as_bytes(name)),
                        .signature_key = SignaturePrivateKey::generate(signature_of(suite), random),
                        .now_s = now_s,
                        .lifetime_seconds = lifetime_seconds},
                       random));
}

Created create(const std::vector<OwnKeyPackage>& packages) {
  Seeded seeded(0);
  const Group alone = value_of(Group::create(packages[0], as_bytes("group"), {}, seeded.outside));
  CommitRequest request;
  for (std::size_t i = 1; i < packages.size(); ++i)
    request.proposals.emplace_back(Add{packages[i].key_package});
  Group::Accepted accepted = value_of(value_of(alone.commit(request, seeded.outside)).next.accept_commit());
  return {.group = std::move(accepted.next), .welcome = std::move(accepted.welcome.value())};
}

Group join(ByteView welcome, const OwnKeyPackage& own) {
  Seeded seeded(0);
  return value_of(Group::join(welcome, own, seeded.outside)).group;
}

struct Committed {
  Group group;
  Bytes message;
};
Committed commit(const Group& group, const CommitRequest& request = {}) {
  Seeded seeded(group.epoch());
  Group::Committed made = value_of(group.commit(request, seeded.outside));
  return {.group = value_of(made.next.accept_commit()).next, .message = std::move(made.message)};
}

Group follow(const Group& group, ByteView message) {
  Seeded seeded(group.epoch());
  return std::move(value_of(group.process(message, seeded.outside)).next);
}

std::vector<Bytes> protect(const Group& from) {
  Seeded seeded(from.epoch());
  const Bytes data(application_data_bytes, 'd');
  const Bytes authenticated(authenticated_data_bytes, 'a');
  std::vector<Bytes> messages;
  Group group = from.clone();
  for (std::size_t i = 0; i < messages_per_pass; ++i) {
    Group::Sent sent = value_of(group.protect(data, authenticated, 0, seeded.outside));
    messages.push_back(std::move(sent.message));
    group = std::move(sent.next);
  }
  return messages;
}

std::vector<Bytes> unprotect(const Group& by, const std::vector<Bytes>& messages) {
  Seeded seeded(by.epoch());
  std::vector<Bytes> data;
  Group group = by.clone();
  for (const Bytes& message : messages) {
    Group::Received received = value_of(group.process(message, seeded.outside));
    data.push_back(to_bytes(std::get<ApplicationMessage>(received.what).data.reveal()));
    group = std::move(received.next);
  }
  return data;
}

// The subtree beside the k-th node of leaf 0's path begins at leaf 2^k; when that leaf has committed, the whole
// subtree is reached through one key.
Scene make_scene(std::uint32_t members) {
  SeededRandom random(key_package_seed);
  std::vector<OwnKeyPackage> packages;
  for (std::uint32_t i = 0; i < members; ++i) {
    packages.push_back(key_package("member " + std::to_string(i), random));
  }
  Created cold = create(packages);
  std::vector<Group> present;
  present.push_back(cold.group.clone());
  for (std::size_t leaf = 1; leaf < members; leaf *= 2) present.push_back(join(cold.welcome, packages[leaf]));
  for (std::size_t by = 1; by < present.size(); ++by) {
    Committed made = commit(present[by]);
    for (std::size_t i = 0; i < present.size(); ++i) {
      present[i] = i == by ? made.group.clone() : follow(present[i], made.message);
    }
  }
  Scene scene{.packages = std::move(packages),
              .cold = std::move(cold),
              .leader = std::move(present.front()),
              .follower = std::move(present.back()),
              .messages = {},
              .commit = {},
              .saved = {}};
  scene.messages = protect(scene.leader);
  scene.commit = commit(scene.leader).message;
  scene.saved = scene.leader.serialize();
  return scene;
}

std::vector<Bytes> evidence(const Group& group) {
  return {to_bytes(group.epoch_authenticator().reveal()), group.group_context().tree_hash};
}

// What is measured is right, and not only the same each time: members agree, and read what was sent.
void prove(const Scene& scene) {
  const std::vector<Bytes> sent(messages_per_pass, Bytes(application_data_bytes, 'd'));
  const bool right =
      unprotect(scene.follower, scene.messages) == sent &&
      evidence(join(scene.cold.welcome, scene.packages.back())) == evidence(scene.cold.group) &&
      evidence(follow(scene.follower, scene.commit)) == evidence(commit(scene.leader).group) &&
      evidence(value_of(Group::restore(scene.saved, Standing::current))) == evidence(scene.leader);
  if (!right) throw std::runtime_error("the members of the group do not agree");
}

// ---- what is measured ----

struct Round {
  double ns = 0;  // of one operation
  double primitives_share = 0;
  double verifying_share = 0;
  double hashing_share = 0;
};

struct Operation {
  std::string name;
  std::uint32_t members = 0;
  std::size_t per_pass = 1;
  std::function<std::vector<Bytes>()> pass;  // what it gives is the same each time
  Primitives calls{};                        // of one operation
  Hash made{};
  std::vector<Round> rounds{};
};

std::vector<Operation> operations_on(const Scene& scene) {
  const auto members = static_cast<std::uint32_t>(scene.packages.size());
  const CommitRequest remove_last{.proposals = {Remove{LeafIndex{members - 1}}}};
  std::vector<Operation> out;
  const auto add = [&](std::string name, std::function<std::vector<Bytes>()> pass, std::size_t per_pass = 1) {
    out.push_back(
        {.name = std::move(name), .members = members, .per_pass = per_pass, .pass = std::move(pass)});
  };
  add("protect", [&] { return protect(scene.leader); }, messages_per_pass);
  add("unprotect", [&] { return unprotect(scene.follower, scene.messages); }, messages_per_pass);
  add("create", [&] { return evidence(create(scene.packages).group); });
  add("join", [&] { return evidence(join(scene.cold.welcome, scene.packages.back())); });
  add("commit cold", [&] { return evidence(commit(scene.cold.group).group); });
  add("commit warm", [&] { return evidence(commit(scene.leader).group); });
  add("follow warm commit", [&] { return evidence(follow(scene.follower, scene.commit)); });
  add("remove", [&, remove_last] { return evidence(commit(scene.leader, remove_last).group); });
  // The secret part is made too, but only we read it: its form may change.
  add("serialize", [&] { return std::vector<Bytes>{scene.leader.serialize().public_state}; });
  add("restore", [&] { return evidence(value_of(Group::restore(scene.saved, Standing::current))); });
  return out;
}

Hash hash_of(const std::vector<Bytes>& made) {
  Bytes all;
  for (const Bytes& bytes : made) append(all, sha256(bytes));
  return sha256(all);
}

// Not timed: what it gives, and which primitives it calls.
void rehearse(Operation& operation) {
  const Primitives before = calls_so_far();
  const std::vector<Bytes> made = operation.pass();
  const Primitives after = calls_so_far();
  for (const auto& [name, amount] : primitive_fields) {
    operation.calls.*amount = (after.*amount - before.*amount) / static_cast<double>(operation.per_pass);
  }
  operation.made = hash_of(made);
}

// Of one round counts the fastest pass, as of the primitives: who shares a machine is slowed but never sped up.
void measure(Operation& operation, const Primitives& ns, double seconds) {
  double all_us = 0;
  double fastest_us = 0;
  do {
    const double begin = cpu_us();
    const std::vector<Bytes> made = operation.pass();
    const double us = cpu_us() - begin;
    fastest_us = all_us == 0 ? us : std::min(fastest_us, us);
    all_us += us;
    if (hash_of(made) != operation.made) throw std::runtime_error(operation.name + " gave something else");
  } while (all_us < seconds * 1e6);
  const double one_ns = fastest_us * 1000 / static_cast<double>(operation.per_pass);
  operation.rounds.push_back({.ns = one_ns,
                              .primitives_share = asymmetric_and_aead_ns(operation.calls, ns) / one_ns,
                              .verifying_share = verifying_ns(operation.calls, ns) / one_ns,
                              .hashing_share = hashing_ns(operation.calls, ns) / one_ns});
}

template <class T>
double median(std::vector<T> rounds, double T::* amount) {
  std::ranges::sort(rounds, {}, amount);
  return rounds[rounds.size() / 2].*amount;
}

// ---- what is printed ----

Hash outcomes(const std::vector<Operation>& all) {
  Bytes bytes;
  for (const Operation& operation : all) {
    append(bytes, as_bytes(operation.name + " " + std::to_string(operation.members)));
    append(bytes, operation.made);
    const Primitives& calls = operation.calls;
    for (const double count :
         {calls.ed25519_sign, calls.ed25519_verify, calls.x25519_public, calls.x25519_shared, calls.aead}) {
      append(bytes, as_bytes(" " + std::to_string(count)));
    }
  }
  return sha256(bytes);
}

json amounts(const Primitives& of) {
  json out;
  for (const auto& [name, amount] : primitive_fields) out[std::string(name)] = of.*amount;
  return out;
}

json to_json(const Operation& operation) {
  const double ns = median(operation.rounds, &Round::ns);
  return {{"operation", operation.name},
          {"members", operation.members},
          {"per_second", 1e9 / ns},
          {"us", ns / 1000},
          {"primitives_share", median(operation.rounds, &Round::primitives_share)},
          {"verifying_share", median(operation.rounds, &Round::verifying_share)},
          {"hashing_share", median(operation.rounds, &Round::hashing_share)},
          {"calls", amounts(operation.calls)}};
}

void print_text(const json& run) {
  std::printf(
      "MLS suite 1, CPU time on one thread, medians of the fastest pass of %d rounds.\n"
      "\"primitives\": the part that the Ed25519, X25519 and AEAD calls take alone; \"hashing\": that of "
      "SHA-256.\n\n",
      run["rounds"].get<int>());
  std::printf("| one primitive | ns |\n|---|---|\n");
  for (const auto& [name, ns] : run["primitives_ns"].items()) {
    std::printf("| %s | %.2f |\n", name.c_str(), ns.get<double>());
  }
  std::printf(
      "\n| operation | members | a second | us | primitives | hashing | sign, verify | public, shared | AEAD "
      "|\n"
      "|---|---|---|---|---|---|---|---|---|\n");
  for (const json& row : run["operations"]) {
    const json& calls = row["calls"];
    const auto number = [](const json& value) { return value.get<double>(); };
    std::printf("| %s | %d | %.4g | %.4g | %.0f %% | %.0f %% | %.4g, %.4g | %.4g, %.4g | %.4g |\n",
                row["operation"].get<std::string>().c_str(), row["members"].get<int>(),
                number(row["per_second"]), number(row["us"]), 100 * number(row["primitives_share"]),
                100 * number(row["hashing_share"]), number(calls["ed25519_sign"]),
                number(calls["ed25519_verify"]), number(calls["x25519_public"]),
                number(calls["x25519_shared"]), number(calls["aead"]));
  }
  std::printf("\nsha-256 of what was made and counted: %s\n",
              run["outcomes_sha256"].get<std::string>().c_str());
}

int run(const Options& options) {
  pin_to_core(0);
  std::vector<Scene> scenes;
  for (const std::uint32_t members : options.members) scenes.push_back(make_scene(members));
  for (const Scene& scene : scenes) prove(scene);
  std::vector<Operation> all;
  for (const Scene& scene : scenes) std::ranges::move(operations_on(scene), std::back_inserter(all));
  if (!options.only.empty()) std::erase_if(all, [&](const auto& each) { return each.name != options.only; });
  if (all.empty()) throw std::runtime_error("no operation is called '" + options.only + "'");
  for (Operation& operation : all) rehearse(operation);

  std::vector<Primitives> primitives;
  for (int round = 0; round < options.rounds; ++round) {
    primitives.push_back(measure_primitives(std::min(options.seconds, 0.03)));
    for (Operation& operation : all) measure(operation, primitives.back(), options.seconds);
  }
  Primitives ns;
  for (const auto& [name, amount] : primitive_fields) ns.*amount = median(primitives, amount);
  json out{{"rounds", options.rounds},
           {"primitives_ns", amounts(ns)},
           {"operations", json::array()},
           {"outcomes_sha256", hex(outcomes(all))}};
  for (const Operation& operation : all) out["operations"].push_back(to_json(operation));
  if (options.as_json) {
    std::printf("%s\n", out.dump().c_str());
  } else {
    print_text(out);
  }
  return 0;
}

}  // namespace
}  // namespace shearline::bench

int main(int argc, char** argv) {
  shearline::bench::Options options;
  CLI::App app{"The operations of an MLS group, beside the primitives they are made of"};
  app.add_option("--rounds", options.rounds)->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds, "of each operation in each round; 0: one pass")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--members", options.members, "sizes of the groups")
      ->delimiter(',')
      ->check(CLI::Range(std::uint32_t{2}, shearline::mls::tree_leaves_max));
  app.add_option("--only", options.only, "one operation, for a profiler");
  app.add_flag("--json", options.as_json, "one object instead of tables");
  CLI11_PARSE(app, argc, argv);
  try {
    return shearline::bench::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mls_bench: %s\n", error.what());
    return 1;
  }
}
