// RFC 9420 section 8: the published key schedules, transcript hashes and PSK secrets of our suites.
#include "mls/key_schedule.hpp"

#include "mls/psk.hpp"
#include "mls/transcript_hash.hpp"
#include "tests/mls/mls_vectors.hpp"

#include <map>

namespace shearline::mls {
namespace {

using namespace testing;

void check_exporter(const Key& exporter_secret, const json& test) {
  EXPECT_TRUE(same(mls_exporter(exporter_secret, test.at("label").get<std::string>(),
                                hex_field(test, "context"), test.at("length").get<std::size_t>()),
                   hex_field(test, "secret")));
}

// Returns the init_secret of the next epoch.
Key check_epoch(CipherSuite suite, const Bytes& group_id, std::uint64_t epoch, const Key& init_secret,
                const json& test) {
  const GroupContext context{.cipher_suite = suite,
                             .group_id = group_id,
                             .epoch = epoch,
                             .tree_hash = hex_field(test, "tree_hash"),
                             .confirmed_transcript_hash = hex_field(test, "confirmed_transcript_hash"),
                             .extensions = {}};
  const Bytes encoded = encode([&](Writer& out) { write(out, context); });
  EXPECT_EQ(encoded, hex_field(test, "group_context"));
  EXPECT_EQ(*decode_whole(encoded, read_group_context), context);
  const Key joiner = derive_joiner_secret(init_secret, key_field(test, "commit_secret"), encoded);
  EXPECT_TRUE(same(joiner, hex_field(test, "joiner_secret")));
  const Key psk = key_field(test, "psk_secret");
  EXPECT_TRUE(same(derive_welcome_secret(joiner, psk), hex_field(test, "welcome_secret")));
  const Key epoch_secret = derive_epoch_secret(joiner, psk, encoded);
  EpochSecrets secrets = derive_epoch_secrets(epoch_secret);
  EXPECT_TRUE(same(secrets.sender_data_secret, hex_field(test, "sender_data_secret")));
  EXPECT_TRUE(same(secrets.encryption_secret, hex_field(test, "encryption_secret")));
  EXPECT_TRUE(same(secrets.exporter_secret, hex_field(test, "exporter_secret")));
  EXPECT_TRUE(same(secrets.confirmation_key, hex_field(test, "confirmation_key")));
  EXPECT_TRUE(same(secrets.membership_key, hex_field(test, "membership_key")));
  EXPECT_TRUE(same(secrets.epoch_authenticator, hex_field(test, "epoch_authenticator")));
  EXPECT_TRUE(same(secrets.init_secret, hex_field(test, "init_secret")));
  // Not kept by a group, but derived in the same way.
  EXPECT_TRUE(same(derive_secret(epoch_secret, "resumption"), hex_field(test, "resumption_psk")));
  const Key external = derive_secret(epoch_secret, "external");
  EXPECT_TRUE(same(external, hex_field(test, "external_secret")));
  EXPECT_EQ(hpke::derive_key_pair(hpke_of(suite), external.reveal())->public_key,
            hex_field(test, "external_pub"));
  check_exporter(secrets.exporter_secret, test.at("exporter"));
  return std::move(secrets.init_secret);
}

TEST(KeySchedule, PublishedEpochs) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/key-schedule.json");
  for_our_suites(cases, "", [](CipherSuite suite, const json& test) {
    const Bytes group_id = hex_field(test, "group_id");
    Key init_secret = key_field(test, "initial_init_secret");
    std::uint64_t epoch = 0;
    for (const json& one : test.at("epochs")) {
      SCOPED_TRACE(epoch);
      init_secret = check_epoch(suite, group_id, epoch++, init_secret, one);
    }
    return true;
  });
}

TEST(Psk, PublishedSecrets) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/psk_secret.json");
  for_our_suites(cases, "", [](CipherSuite, const json& test) {
    std::vector<PreSharedKeyId> ids;
    std::map<std::string, Bytes> psks;
    for (const json& psk : test.at("psks")) {
      ids.push_back(
          {.psk_id = hex_field(psk, "psk_id"), .psk_group_id = {}, .psk_nonce = hex_field(psk, "psk_nonce")});
      psks[to_string(ids.back().psk_id)] = hex_field(psk, "psk");
    }
    const auto secret = psk_secret(ids, [&](ByteView id) { return Key::copy_of(psks.at(to_string(id))); });
    EXPECT_TRUE(secret && same(*secret, hex_field(test, "psk_secret")));
    return true;
  });
}

TEST(Psk, UnknownResumptionDoubleAndBadlyNoncedOnesAreRefused) {
  const PskLookup any = [](ByteView) { return Key::of_size(32); };
  const auto refusal = [&](std::vector<PreSharedKeyId> ids, const PskLookup& lookup) {
    const auto secret = psk_secret(ids, lookup);
    return secret ? std::string() : secret.error().message;
  };
  const PreSharedKeyId good{.psk_id = {1}, .psk_group_id = {}, .psk_nonce = Bytes(32)};
  PreSharedKeyId bad = good;
  EXPECT_EQ(refusal({good}, any), "");
  EXPECT_NE(refusal({good}, {}).find("do not have"), std::string::npos);
  EXPECT_NE(refusal({good, good}, any).find("12.2"), std::string::npos);
  bad.psk_nonce.pop_back();
  EXPECT_NE(refusal({bad}, any).find("12.1.4"), std::string::npos);
  bad = good;
  bad.type = PskType::resumption;
  EXPECT_NE(refusal({bad}, any).find("8.6"), std::string::npos);
}

TEST(TranscriptHash, PublishedCommits) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/transcript-hashes.json");
  for_our_suites(cases, "", [](CipherSuite, const json& test) {
    const auto commit = decode_whole(hex_field(test, "authenticated_content"), read_authenticated_content);
    if (!commit) {
      ADD_FAILURE() << commit.error().message;
      return true;
    }
    const Hash confirmed =
        confirmed_transcript_hash(hex_field(test, "interim_transcript_hash_before"), *commit);
    EXPECT_TRUE(equal(confirmed, hex_field(test, "confirmed_transcript_hash_after")));
    EXPECT_TRUE(equal(interim_transcript_hash(confirmed, commit->auth.confirmation_tag),
                      hex_field(test, "interim_transcript_hash_after")));
    EXPECT_EQ(confirmation_tag(key_field(test, "confirmation_key"), confirmed),
              commit->auth.confirmation_tag);
    return true;
  });
}

}  // namespace
}  // namespace shearline::mls
