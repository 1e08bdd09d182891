// RFC 9420 section 12.4: published Welcomes and commits, followed by a client that only reads.
#include "mls/group.hpp"
#include "tests/mls/mls_vectors.hpp"

#include <map>

namespace shearline::mls {
namespace {

using namespace testing;

struct Passive {
  SeededRandom random{1};
  IdentityCheck anyone;
  std::map<std::string, Bytes> psks;
  PskLookup lookup = [this](ByteView id) { return Key::copy_of(psks.at(to_string(id))); };
  // The clock stands inside the lifetimes of the vectors' leaves, some of which never end.
  Outside outside{.random = random,
                  .now_s = 1'700'000'000,
                  .identities = anyone,
                  .pre_shared_keys = lookup,
                  .lifetime_seconds_max = UINT64_MAX};
};

// Nothing when the vector has no private keys for it that fit.
OwnKeyPackage own_key_package(CipherSuite suite, const json& test) {
  const auto message = decode_message(hex_field(test, "key_package"));
  if (!message) throw std::runtime_error(message.error().message);
  OwnKeyPackage own;
  own.key_package = std::get<KeyPackage>(*message);
  own.init_key = {key_field(test, "init_priv"), own.key_package.init_key};
  if (test.contains("encryption_priv")) {
    own.encryption_key = {key_field(test, "encryption_priv"), own.key_package.leaf_node.encryption_key};
    own.signature_key = *SignaturePrivateKey::from(signature_of(suite), key_field(test, "signature_priv"));
  }
  return own;
}

bool is_out_of_scope(const Error& error) {
  return error.message.find("resumption PSKs are not supported") != std::string::npos;
}

void expect_authenticator(const Group& group, const json& test, const char* name) {
  EXPECT_TRUE(same(group.epoch_authenticator(), hex_field(test, name)));
}

// False: the case uses what is out of scope.
bool follow(Group group, const json& epochs, Passive& passive) {
  for (const json& epoch : epochs) {
    for (const json& proposal : epoch.at("proposals")) {
      Result<Group::Received> received = group.process(hex_of(proposal), passive.outside);
      if (!received && is_out_of_scope(received.error())) return false;
      if (!received) {
        ADD_FAILURE() << "proposal: " << received.error().message;
        return true;
      }
      group = std::move(received->next);
    }
    Result<Group::Received> received = group.process(hex_field(epoch, "commit"), passive.outside);
    if (!received && is_out_of_scope(received.error())) return false;
    if (!received) {
      ADD_FAILURE() << "commit: " << received.error().message;
      return true;
    }
    group = std::move(received->next);
    // Whatever is restored follows as well as what was never saved.
    Result<Group> restored = Group::restore(group.serialize(), Standing::current);
    if (!restored) {
      ADD_FAILURE() << "restore: " << restored.error().message;
      return true;
    }
    group = std::move(*restored);
    expect_authenticator(group, epoch, "epoch_authenticator");
  }
  return true;
}

bool check_case(CipherSuite suite, const json& test) {
  Passive passive;
  for (const json& psk : test.at("external_psks")) {
    passive.psks[to_string(hex_field(psk, "psk_id"))] = hex_field(psk, "psk");
  }
  const OwnKeyPackage own = own_key_package(suite, test);
  const Bytes tree = test.at("ratchet_tree").is_null() ? Bytes() : hex_field(test, "ratchet_tree");
  Result<Group::Joined> joined = Group::join(hex_field(test, "welcome"), own, passive.outside, tree);
  if (!joined) {
    EXPECT_TRUE(is_out_of_scope(joined.error())) << joined.error().message;
    return false;
  }
  expect_authenticator(joined->group, test, "initial_epoch_authenticator");
  return follow(std::move(joined->group), test.at("epochs"), passive);
}

TEST(PassiveClient, JoinsByPublishedWelcomes) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/passive-client-welcome.json");
  for_our_suites(cases, "resumption PSKs are refused", check_case);
}

TEST(PassiveClient, FollowsPublishedCommits) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/passive-client-handling-commit.json");
  for_our_suites(cases, "resumption PSKs are refused", check_case);
}

TEST(Welcome, PublishedWelcomesOpenAndVerify) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/welcome.json");
  for_our_suites(cases, "", [](CipherSuite suite, const json& test) {
    const OwnKeyPackage own = own_key_package(suite, test);
    const auto message = decode_message(hex_field(test, "welcome"));
    if (!message) {
      ADD_FAILURE() << message.error().message;
      return true;
    }
    const Welcome& welcome = std::get<Welcome>(*message);
    const auto secrets = open_group_secrets(welcome, own);
    if (!secrets) {
      ADD_FAILURE() << secrets.error().message;
      return true;
    }
    const auto info = open_group_info(welcome, derive_welcome_secret(secrets->joiner_secret, zero_secret()));
    if (!info) {
      ADD_FAILURE() << info.error().message;
      return true;
    }
    EXPECT_TRUE(group_info_signature_is_valid(*info, hex_field(test, "signer_pub")));
    const Bytes context = encode([&](Writer& out) { write(out, info->group_context); });
    const EpochSecrets epoch =
        derive_epoch_secrets(derive_epoch_secret(secrets->joiner_secret, zero_secret(), context));
    EXPECT_TRUE(equal(mac(epoch.confirmation_key, info->group_context.confirmed_transcript_hash),
                      info->confirmation_tag));
    return true;
  });
}

}  // namespace
}  // namespace shearline::mls
