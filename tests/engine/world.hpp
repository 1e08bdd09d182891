// A table with a pepper, a view that is fresh, and a batch: what most tests of the engine begin with. Time is
// a number that the test moves.
#pragma once

#include "base/random.hpp"
#include "engine/batch.hpp"
#include "engine/table.hpp"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::engine {

inline Key pepper_of_zeros() { return Key::of_size(32); }
inline Key pepper_of_counting() {
  Key key = Key::of_size(32);
  for (std::size_t i = 0; i < key.size(); ++i) key.writable()[i] = static_cast<Byte>(i);
  return key;
}
inline Ulid id(Byte n) {
  std::array<Byte, 16> bytes{};
  bytes[15] = n;
  return Ulid::from_bytes(bytes);
}

// One version as a test says it; the digest is made from the secret.
struct Version {
  Outcome role = Outcome::current;
  std::string secret;
  TimeMs not_after_ms = time_never;
  Byte id = 1;
};
struct Dead {
  std::string secret;
  bool revoked = false;
};

struct World {
  static constexpr TimeMs now = 1'700'000'000'000;

  explicit World(TableOptions options = {}) : table(options, pepper, random) {
    view.loaded = true;
    heard_at(now);
  }

  void heard_at(TimeMs at) {
    for (auto& heard : view.heard_at_ms) heard = at;
  }

  bool put(CredentialFacts facts, const std::vector<Version>& versions, const std::vector<Dead>& dead = {}) {
    std::vector<Digest> digests;
    const auto digest = [&](const std::string& secret) {
      return digest_of(pepper, facts.client_id, as_bytes(secret));
    };
    for (const Version& version : versions) digests.push_back(digest(version.secret));
    for (const Dead& one : dead) digests.push_back(digest(one.secret));
    std::vector<AcceptedVersion> accepted;
    std::vector<DeadDigest> dead_digests;
    for (const Version& version : versions) {
      accepted.push_back(
          {version.role, &digests[accepted.size()], version.not_after_ms, engine::id(version.id)});
    }
    for (const Dead& one : dead) {
      dead_digests.push_back({&digests[accepted.size() + dead_digests.size()], one.revoked});
    }
    facts.accepted = accepted;
    facts.dead = dead_digests;
    if (facts.revision == 0) facts.revision = ++last_revision;
    return table.put(facts);
  }
  bool put(std::string_view client_id, const std::vector<Version>& versions,
           const std::vector<Dead>& dead = {}) {
    return put(CredentialFacts{.client_id = client_id}, versions, dead);
  }

  // One check by itself, in a turn of its own.
  Match check(std::string_view client_id, std::string_view secret, TimeMs at = now) {
    return alone(at, [&](Batch& batch) { return batch.add_pair(as_bytes(client_id), as_bytes(secret)); });
  }
  Match check_key(std::string_view key, TimeMs at = now) {
    return alone(at, [&](Batch& batch) { return batch.add_key(as_bytes(key)); });
  }
  template <class Add>
  Match alone(TimeMs at, Add add) {
    table.enter_turn(0);
    Batch batch(table, view);
    const std::size_t index = add(batch);
    batch.run(at);
    const Match match = batch.match(index);
    table.leave_turn(0);
    return match;
  }

  std::uint64_t last_revision = 0;
  SeededRandom random{7};
  Key pepper = pepper_of_counting();
  Table table;
  View view;
};

inline std::string key_text(std::string_view prefix, std::string_view client_id, std::string_view secret) {
  return to_string(format_api_key(prefix, client_id, Secret::copy_of(as_bytes(secret))).reveal());
}

}  // namespace shearline::engine
