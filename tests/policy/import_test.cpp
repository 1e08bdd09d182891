// Secrets that were there before: what an import takes, what it finds there already, and what it refuses.
#include "tests/policy/workbench.hpp"

#include <gmock/gmock.h>

namespace shearline::policy {
namespace {

using test::mentions;
using test::Workbench;
using testing::ElementsAre;

class Import : public testing::Test, public Workbench {
 protected:
  Code import_secret(std::size_t bytes, bool insist = false, bool own_form = false) {
    Imported imported;
    random.fill(imported.digest.writable());
    imported.fingerprint.fill(5);
    imported.secret_bytes = bytes;
    imported.has_own_key_form = own_form;
    return import_onto(nullptr, import_command(), std::move(imported), insist);
  }
  Command import_command() {
    Command command = create_command();
    command.verb = Verb::credential_import;
    return command;
  }
  Code import_onto(const Credential* existing, const Command& command, Imported imported,
                   bool insist = false) {
    ImportItem item;
    item.client_id = "legacy";
    item.insist = insist;
    return keep(policy::import(existing, command, item, std::move(imported), context()));
  }
  // An item for what is there already: with the secret of this version, or with none that it has.
  Code import_again(const Command& command, std::optional<Ulid> known_as) {
    Imported imported;
    imported.secret_bytes = 40;
    imported.known_as = known_as;
    const Credential existing = clone(credential);
    return import_onto(&existing, command, std::move(imported));
  }
};

TEST_F(Import, AnExistingSecretIsActiveAtOnce) {
  ASSERT_EQ(import_secret(40), Code::ok) << refusal;
  EXPECT_THAT(event_types(), ElementsAre("credential.imported", "version.current"));
  EXPECT_EQ(credential.status, CredentialStatus::active);
  EXPECT_EQ(credential.client_id, "legacy");
  EXPECT_FALSE(credential.versions[0].weak);
  EXPECT_TRUE(accepting(credential.versions[0]));
  EXPECT_EQ(credential.secret_fingerprint[0], 5);
}

TEST_F(Import, TakesSixteenTo512Bytes) {
  for (const std::size_t bytes : {0UL, 15UL, 513UL})
    EXPECT_EQ(import_secret(bytes, true), Code::invalid) << bytes;
  EXPECT_EQ(import_secret(16, true), Code::ok);
  credential = {};
  EXPECT_EQ(import_secret(512), Code::ok);
}

TEST_F(Import, AShortSecretNeedsInsistenceAndIsFlagged) {
  EXPECT_EQ(import_secret(21), Code::policy_violation);
  ASSERT_EQ(import_secret(21, true), Code::ok);
  EXPECT_TRUE(credential.versions[0].weak);
  credential = {};
  ASSERT_EQ(import_secret(22), Code::ok);
  EXPECT_FALSE(credential.versions[0].weak);
}

TEST_F(Import, TheSameItemAgainExistsAndChangesNothing) {
  ASSERT_EQ(import_secret(40), Code::ok) << refusal;
  EXPECT_EQ(import_again(import_command(), credential.versions[0].version_id), Code::conflict);
  EXPECT_TRUE(mentions(refusal, "exists"));
}

TEST_F(Import, AnotherSecretForAnExistingClientNeedsASecondParty) {
  ASSERT_EQ(import_secret(40), Code::ok) << refusal;
  EXPECT_EQ(import_again(import_command(), std::nullopt), Code::policy_violation);
  EXPECT_TRUE(mentions(refusal, "second party (approve)"));
}

TEST_F(Import, OtherFactsForAnExistingClientNeedASecondParty) {
  ASSERT_EQ(import_secret(40), Code::ok) << refusal;
  Command other = import_command();
  other.params.metadata.data_classification = "public";
  EXPECT_EQ(import_again(other, credential.versions[0].version_id), Code::policy_violation);
  EXPECT_TRUE(mentions(refusal, "second party (approve)"));
}

TEST_F(Import, ASecretThatIsOverIsNotBroughtBackWithoutASecondParty) {
  ASSERT_EQ(import_secret(40), Code::ok) << refusal;
  const Ulid imported = credential.versions[0].version_id;
  ASSERT_EQ(keep(policy::revoke(credential, command(Verb::revoke), context())), Code::ok) << refusal;
  EXPECT_EQ(import_again(import_command(), imported), Code::policy_violation);
}

TEST_F(Import, OurOwnKeyFormIsRefused) { EXPECT_EQ(import_secret(43, false, true), Code::invalid); }

}  // namespace
}  // namespace shearline::policy
