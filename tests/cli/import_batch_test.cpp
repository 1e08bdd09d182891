#include "cli/import_batch.hpp"

#include "mls/hpke.hpp"
#include "policy/jws.hpp"

#include <gtest/gtest.h>

namespace shearline::cli {
namespace {

class ImportBatchTest : public testing::Test {
 protected:
  policy::Command base() {
    policy::Command command;
    command.kid = "alice";
    command.audience = policy::audience_of("test");
    command.issued_at_ms = 1'700'000'000'000;
    command.expires_at_ms = command.issued_at_ms + 300'000;
    command.jti = Ulid::make(command.issued_at_ms, random_);
    command.verb = policy::Verb::credential_import;
    command.reason = "migration with \"quotes\"";
    command.params.kind = policy::CredentialKind::oauth2_client_secret;
    command.params.group = "payments";
    command.params.metadata.owner = "acme";
    return command;
  }
  static ImportLine line(const std::string& client_id, std::string_view secret) {
    return {.client_id = client_id, .secret = Secret::copy_of(as_bytes(secret))};
  }
  // Fills a batch with lines of this secret until no more fits.
  ImportBatch filled(std::size_t secret_bytes, std::size_t id_bytes, bool insist = false) {
    ImportBatch batch(base(), insist);
    for (std::size_t i = 0;; ++i) {
      std::string id = std::to_string(i);
      id.insert(0, id_bytes - id.size(), 'c');
      const ImportLine next = line(id, std::string(secret_bytes, 's'));
      if (!batch.fits(next)) return batch;
      EXPECT_TRUE(batch.add(next, engine_public_, random_));
    }
  }
  std::string sign(ImportBatch& batch) {
    return policy::sign_jws(policy::encode_command(batch.command()), policy::command_type, "alice", seed_);
  }

  SeededRandom random_{7};
  Key seed_ = random_key(random_);
  Key engine_private_ = random_key(random_);
  PublicKey engine_public_ = x25519_public(engine_private_);
};

TEST_F(ImportBatchTest, AFullCommandStaysWithinTheLimitAndWastesLittle) {
  for (const std::size_t secret_bytes : {16U, 43U, 512U}) {
    ImportBatch batch = filled(secret_bytes, 20);
    const std::size_t size = sign(batch).size();
    EXPECT_LE(size, policy::jws_bytes_max) << secret_bytes;
    EXPECT_GT(size, policy::jws_bytes_max - 1024) << secret_bytes;
  }
}

TEST_F(ImportBatchTest, NeverHoldsMoreThanAThousandItems) {
  ImportBatch batch = filled(1, 4);
  EXPECT_LE(batch.size(), policy::import_items_max);
}

TEST_F(ImportBatchTest, TheEngineTakesAFullCommandAsItIs) {
  ImportBatch batch = filled(43, 64, true);
  const std::string jws = sign(batch);
  const auto parsed = policy::parse_jws(jws, policy::command_type);
  ASSERT_TRUE(parsed) << parsed.error().message;
  const auto command = policy::decode_command(parsed->claims_json);
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_EQ(command->params.items.size(), batch.size());
  EXPECT_TRUE(command->params.items[0].insist);
}

TEST_F(ImportBatchTest, EachSecretOpensOnlyForItsCommandAndClient) {
  ImportBatch batch(base(), false);
  ASSERT_TRUE(batch.add(line("acme", "0123456789abcdefghijkl"), engine_public_, random_));
  const policy::ImportItem& item = batch.command().params.items.front();
  const auto open = [&](std::string_view jti, std::string_view client_id) {
    Bytes aad = to_bytes(as_bytes(jti));
    aad.push_back(0);
    append(aad, as_bytes(client_id));
    return mls::hpke::open_base(mls::hpke::default_suite, item.encapsulated, engine_private_,
                                as_bytes("shearline v1 import"), aad, item.ciphertext);
  };
  const auto opened = open(batch.command().jti.text(), "acme");
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(opened->reveal()), "0123456789abcdefghijkl");
  EXPECT_FALSE(open(batch.command().jti.text(), "other"));
  EXPECT_FALSE(open(Ulid::make(1, random_).text(), "acme"));
}

TEST_F(ImportBatchTest, NoSecretStandsInTheCommand) {
  ImportBatch batch(base(), false);
  ASSERT_TRUE(batch.add(line("acme", "0123456789abcdefghijkl"), engine_public_, random_));
  EXPECT_EQ(policy::encode_command(batch.command()).find("0123456789abcdefghijkl"), std::string::npos);
}

TEST_F(ImportBatchTest, AnEngineKeyOfSmallOrderIsRefused) {
  ImportBatch batch(base(), false);
  EXPECT_FALSE(batch.add(line("acme", "0123456789abcdefghijkl"), PublicKey{}, random_));
  EXPECT_TRUE(batch.empty());
}

TEST_F(ImportBatchTest, WithReasonsThatFillTheCommandNothingFits) {
  policy::Command command = base();
  command.justification = std::string(50'000, 'j');
  const ImportBatch batch(command, false);
  EXPECT_FALSE(batch.fits(line("acme", "0123456789abcdefghijkl")));
}

}  // namespace
}  // namespace shearline::cli
