// RFC 9420 sections 5.3.1, 7.3, 12.2 and 13: who is acceptable to a group, and what a member is told of its own requests
// that are not.
#include "mls/group.hpp"
#include "tests/mls/group_fixture.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

using namespace testing;

TEST(Group, TheIdentityCheckIsAskedAtJoinAddUpdateAndPath) {
  World world;
  People all = people(world, 3);
  std::map<Occasion, int> asked;
  world.identities = [&](const IdentityQuestion& question) -> Status {
    ++asked[question.occasion];
    const bool replaces = question.occasion == Occasion::update || question.occasion == Occasion::path;
    EXPECT_EQ(question.replaced != nullptr, replaces);
    return {};
  };
  all.add(1);
  EXPECT_EQ(asked[Occasion::add], 3);   // the committer and two who follow
  EXPECT_EQ(asked[Occasion::path], 2);  // those who follow
  EXPECT_EQ(asked[Occasion::join], 4);  // every leaf, by the new one
  const Group::Sent proposed = value_of(all[1].propose_update(world.outside()));
  value_of(all[0].process(proposed.message, world.outside()));
  EXPECT_EQ(asked[Occasion::update], 1);
}

TEST(Group, WhoTheIdentityCheckRefusesComesNowhere) {
  World world;
  People all = people(world, 3);
  const OwnKeyPackage intruder = world.key_package("intruder");
  CommitRequest request;
  request.proposals.emplace_back(Add{intruder.key_package});
  const Group::Committed made = value_of(all[0].commit(request, world.outside()));
  const Bytes welcome = *value_of(made.next.accept_commit()).welcome;
  world.identities = [](const IdentityQuestion& question) -> Status {
    if (as_text(question.leaf.credential.identity) != "intruder") return {};
    return fail(Code::unauthorized, "not a name that we know");
  };
  EXPECT_EQ(error_of(all[0].commit(request, world.outside())), "not a name that we know");
  EXPECT_EQ(error_of(all[1].process(made.message, world.outside())), "not a name that we know");
  EXPECT_EQ(error_of(Group::join(welcome, intruder, world.outside())), "not a name that we know");
  EXPECT_EQ(error_of(all[0].propose_add(intruder.key_package, world.outside())), "not a name that we know");
}

TEST(Group, ProposalListsThatContradictThemselvesAreRefused) {
  World world;
  People all = people(world, 4);
  const auto refusal = [&](std::vector<Proposal> proposals) {
    return error_of(all[0].commit({.proposals = std::move(proposals)}, world.outside()));
  };
  EXPECT_NE(refusal({Remove{{0}}}).find("12.2: a Remove of the committer"), std::string::npos);
  EXPECT_NE(refusal({Remove{{2}}, Remove{{2}}}).find("12.2: two"), std::string::npos);
  EXPECT_NE(refusal({Remove{{9}}}).find("12.1.3"), std::string::npos);
  EXPECT_NE(refusal({Update{*all[0].tree().leaf({0})}}).find("12.2: an Update"), std::string::npos);
  EXPECT_NE(refusal({GroupContextExtensions{}, GroupContextExtensions{}}).find("12.2: two"),
            std::string::npos);
  EXPECT_NE(refusal({PreSharedKey{}}).find("12.1.4"), std::string::npos);
  const PreSharedKeyId unknown{.psk_id = {7}, .psk_group_id = {}, .psk_nonce = Bytes(32)};
  EXPECT_NE(refusal({PreSharedKey{unknown}}).find("that we do not have"), std::string::npos);
  EXPECT_NE(refusal({ReInit{}}).find("12.1.5"), std::string::npos);
  EXPECT_NE(refusal({ExternalInit{}}).find("12.1.6"), std::string::npos);
  const OwnKeyPackage twice = world.key_package("twice");
  EXPECT_NE(refusal({Add{twice.key_package}, Add{twice.key_package}}).find("7.3"), std::string::npos);
}

TEST(Group, KeyPackagesOfTheWrongTimeSuiteOrSignatureAreRefused) {
  World world;
  Group engine = world.create("engine");
  const auto refusal = [&](const KeyPackage& key_package) {
    return error_of(engine.commit({.proposals = {Add{key_package}}}, world.outside()));
  };
  const OwnKeyPackage good = world.key_package("m");
  world.now_s = test_now_s + test_lifetime_seconds + 1;
  EXPECT_NE(refusal(good.key_package).find("expired"), std::string::npos);
  world.now_s = test_now_s - clock_skew_seconds_max - 1;
  EXPECT_NE(refusal(good.key_package).find("not valid yet"), std::string::npos);
  world.now_s = test_now_s;
  KeyPackage bad = good.key_package;
  bad.init_key[3] ^= 1;
  EXPECT_NE(refusal(bad).find("10.1: the key package's signature"), std::string::npos);
  bad = good.key_package;
  bad.leaf_node.lifetime.not_after += key_package_lifetime_seconds_max;
  sign_leaf_node(bad.leaf_node, good.signature_key, {});
  sign_key_package(bad, good.signature_key);
  EXPECT_NE(refusal(bad).find("7.2"), std::string::npos);
  bad = good.key_package;
  bad.init_key = bad.leaf_node.encryption_key;
  sign_key_package(bad, good.signature_key);
  EXPECT_NE(refusal(bad).find("init key is its encryption key"), std::string::npos);
  bad = good.key_package;
  bad.leaf_node.credential = {.type = credential_type::x509, .identity = {}, .certificates = {{1}}};
  sign_leaf_node(bad.leaf_node, good.signature_key, {});
  sign_key_package(bad, good.signature_key);
  EXPECT_NE(refusal(bad).find("only basic credentials"), std::string::npos);
  world.suite = CipherSuite::x25519_chacha20poly1305_sha256_ed25519;
  EXPECT_NE(refusal(world.key_package("m").key_package).find("another cipher suite"), std::string::npos);
}

TEST(Group, AnExpiredLeafOfSomebodyElseDoesNotKeepAnyoneFromJoining) {
  World world;
  People all = people(world, 3);
  world.now_s = test_now_s + 2 * test_lifetime_seconds;
  all.add(1);
  all.expect_agreement();
}

TEST(Group, RequiredCapabilitiesBindEveryMember) {
  World world;
  People all = people(world, 2);
  const auto requiring = [](const RequiredCapabilities& required) {
    return GroupContextExtensions{
        {{extension_type::required_capabilities, encode([&](Writer& out) { write(out, required); })}}};
  };
  const auto refusal = [&](Proposal proposal) {
    return error_of(all[0].commit({.proposals = {std::move(proposal)}}, world.outside()));
  };
  EXPECT_NE(refusal(requiring({.extensions = {0xf001}, .proposals = {}, .credentials = {}})).find("11.1"),
            std::string::npos);
  EXPECT_NE(refusal(requiring({.extensions = {}, .proposals = {0xf001}, .credentials = {}})).find("11.1"),
            std::string::npos);
  EXPECT_NE(refusal(requiring({.extensions = {}, .proposals = {}, .credentials = {2}})).find("11.1"),
            std::string::npos);
  EXPECT_NE(refusal(GroupContextExtensions{{{0xf001, {}}}}).find("13.4"), std::string::npos);
  all.commit(0, {.proposals = {requiring({.extensions = {1, 5}, .proposals = {1, 7}, .credentials = {1}})}});
  all.expect_agreement();
  EXPECT_EQ(all[1].group_context().extensions.size(), 1U);
}

TEST(Group, MessagesOfOtherGroupsEpochsAndOurselvesAreToldApart) {
  World world;
  People all = people(world, 2);
  const Group::Sent sent = value_of(all[0].protect(as_bytes("x"), {}, 0, world.outside()));
  EXPECT_EQ(sent.next.process(sent.message, world.outside()).error().code, Code::conflict);
  const OwnKeyPackage alone = world.key_package("alone");
  const Group other = value_of(Group::create(alone, as_bytes("other group"), {}, world.outside()));
  EXPECT_EQ(other.process(sent.message, world.outside()).error().code, Code::not_found);
  Group stayed_behind = all[1].clone();
  const Group::Committed stale = value_of(all[1].commit({}, world.outside()));
  all.commit(0, {});
  const Group::Sent ahead = value_of(all[0].protect(as_bytes("x"), {}, 0, world.outside()));
  EXPECT_EQ(stayed_behind.process(ahead.message, world.outside()).error().code, Code::conflict);
  EXPECT_EQ(all[0].process(stale.message, world.outside()).error().code, Code::conflict);
}

// Section 13.5: values that nobody knows are passed over wherever they may stand, and what everybody knows need not be
// listed.
TEST(Group, UnknownValuesDoNoHarmAndDefaultsAreNotListed) {
  World world;
  People all = people(world, 2);
  const OwnKeyPackage own = world.key_package("greased");
  const Capabilities& ours = own.key_package.leaf_node.capabilities;
  EXPECT_TRUE(std::ranges::none_of(ours.extensions, is_default_extension));
  EXPECT_TRUE(std::ranges::none_of(ours.proposals, is_default_proposal));
  OwnKeyPackage greased = world.key_package("greased");
  KeyPackage& package = greased.key_package;
  package.extensions = {{0x1a1a, Bytes(3)}};
  package.leaf_node.extensions = {{0x2a2a, Bytes(5)}, {extension_type::application_id, {1}}};
  package.leaf_node.capabilities = {.versions = {0x3a3a, 1},
                                    .cipher_suites = {0x4a4a, 1},
                                    .extensions = {0x2a2a, 0x5a5a},
                                    .proposals = {0x6a6a},
                                    .credentials = {0x7a7a, 1}};
  sign_leaf_node(package.leaf_node, greased.signature_key, {});
  sign_key_package(package, greased.signature_key);
  CommitRequest request;
  request.proposals.emplace_back(Add{package});
  const Group::Committed made = value_of(all[0].commit(request, world.outside()));
  all[1] = std::move(value_of(all[1].process(made.message, world.outside())).next);
  Group::Accepted accepted = value_of(made.next.accept_commit());
  all[0] = std::move(accepted.next);
  all.groups.push_back(std::move(value_of(Group::join(*accepted.welcome, greased, world.outside())).group));
  all.expect_agreement();
  all.expect_delivery(2, "heard");
}

}  // namespace
}  // namespace shearline::mls
