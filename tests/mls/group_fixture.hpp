// People in groups, for the tests of Group: each keeps its state as an application would, and everything comes
// from seeds.
#pragma once

#include "mls/group.hpp"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

namespace shearline::mls::testing {

inline constexpr std::uint64_t test_now_s = 1'700'000'000;
inline constexpr std::uint64_t test_lifetime_seconds = 30 * 24 * 3600;

struct World {
  explicit World(std::uint64_t seed = 1) : random(seed) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  SeededRandom random;
  IdentityCheck identities;
  std::uint64_t now_s = test_now_s;
  CipherSuite suite = CipherSuite::x25519_aes128gcm_sha256_ed25519;

  Outside outside() { return {.random = random, .now_s = now_s, .identities = identities}; }

  OwnKeyPackage key_package(const std::string& name) {
    return *make_key_package({.cipher_suite = suite,
                              .credential = basic_credential(as_bytes(name)),
                              .signature_key = SignaturePrivateKey::generate(signature_of(suite), random),
                              .now_s = now_s,
                              .lifetime_seconds = test_lifetime_seconds},
                             random);
  }
  Group create(const std::string& name) {
    Result<Group> group = Group::create(key_package(name), as_bytes("group"), {}, outside());
    if (!group) throw std::runtime_error(group.error().message);
    return std::move(*group);
  }
};

// The value, or a test failure that says what the error was.
template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "no error" : result.error().message;
}

inline bool agree(const Group& a, const Group& b) {
  return a.epoch() == b.epoch() && a.group_context() == b.group_context() &&
         equal(a.epoch_authenticator().reveal(), b.epoch_authenticator().reveal()) && a.tree() == b.tree();
}

// Some members of one group. The first one commits unless a test says otherwise.
struct People {
  World& world;
  std::vector<Group> groups;

  Group& operator[](std::size_t i) { return groups[i]; }

  // Commits by `by`, and everybody else follows.
  void commit(std::size_t by, const CommitRequest& request, const std::vector<OwnKeyPackage>& joiners = {}) {
    Group::Committed made = value_of(groups[by].commit(request, world.outside()));
    Group::Accepted accepted = value_of(made.next.accept_commit());
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (i == by) continue;
      groups[i] = std::move(value_of(groups[i].process(made.message, world.outside())).next);
    }
    groups[by] = std::move(accepted.next);
    for (const OwnKeyPackage& joiner : joiners) {
      groups.push_back(std::move(value_of(Group::join(*accepted.welcome, joiner, world.outside())).group));
    }
  }
  void add(std::size_t count) {
    CommitRequest request;
    std::vector<OwnKeyPackage> joiners;
    for (std::size_t i = 0; i < count; ++i) {
      joiners.push_back(world.key_package("member " + std::to_string(groups.size() + i)));
      request.proposals.emplace_back(Add{joiners.back().key_package});
    }
    commit(0, request, joiners);
  }
  void expect_agreement() {
    for (std::size_t i = 1; i < groups.size(); ++i)
      EXPECT_TRUE(agree(groups[0], groups[i])) << "member " << i;
  }
  // Sends from one to all others.
  void expect_delivery(std::size_t from, std::string_view text) {
    Group::Sent sent = value_of(groups[from].protect(as_bytes(text), as_bytes("aad"), 0, world.outside()));
    groups[from] = std::move(sent.next);
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (i == from) continue;
      Group::Received received = value_of(groups[i].process(sent.message, world.outside()));
      const auto& message = std::get<ApplicationMessage>(received.what);
      EXPECT_EQ(as_text(message.data.reveal()), text);
      EXPECT_EQ(as_text(message.authenticated_data), "aad");
      EXPECT_EQ(message.sender, groups[from].own_leaf());
      groups[i] = std::move(received.next);
    }
  }
};

inline People people(World& world, std::size_t count) {
  People out{.world = world, .groups = {}};
  out.groups.push_back(world.create("engine"));
  if (count > 1) out.add(count - 1);
  return out;
}

}  // namespace shearline::mls::testing
