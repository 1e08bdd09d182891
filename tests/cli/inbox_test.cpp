#include "cli/inbox.hpp"

#include "cli/passphrase.hpp"
#include "mls/hpke.hpp"
#include "tests/io/store/redis_server.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace shearline::cli {
namespace {

constexpr TimeMs now = 1'700'000'000'000;

// Alice's inbox against streams in a private Redis. Without acknowledging no engine is needed.
class InboxTest : public testing::Test {
 protected:
  InboxTest() {
    keys_file_ = redis_.folder() + "/alice.json";
    alice_.admin_id = "alice";
    alice_.person = "alice@example.com";
    alice_.signing_seed = random_key(random_);
    alice_.opening_key = random_key(random_);
    alice_.engine = {.deployment = "test",
                     .signing_key = ed25519_public(engine_),
                     .sealing_key = x25519_public(random_key(random_))};
    const auto wrapped = keys::encode_admin_keys(
        alice_, keys::passphrase_source(Plaintext::copy_of(as_bytes("correct horse"))), random_);
    EXPECT_TRUE(keys::write_private_file(keys_file_, as_bytes(wrapped), false));
    settings_.keys_file = keys_file_;
    settings_.redis = redis_.address().text();
    settings_.json = true;
    options_.groups = {"payments"};
    options_.out = redis_.folder() + "/secrets";
    options_.once = true;
    options_.acknowledge = false;
    options_.timeout = "1s";
  }

  Bytes envelope(const std::string& secret, const Key& signer) {
    wire::Envelope made;
    made.id = Ulid::make(now, random_);
    made.group_id = "payments";
    made.at_ms = now;
    made.rotation_id = Ulid::make(now, random_).text();
    made.client_id = "acme";
    made.version_id = Ulid::make(now, random_).text();
    made.to = {"alice"};
    wire::DeliveredSecret delivered;
    delivered.rotation_id = made.rotation_id;
    delivered.client_id = made.client_id;
    delivered.version_id = made.version_id;
    delivered.secret = Secret::copy_of(as_bytes(secret));
    delivered.issued_at_ms = now;
    const auto sealed = mls::hpke::seal_base(
        mls::hpke::default_suite, x25519_public(alice_.opening_key), wire::sealed_info("payments", "alice"),
        wire::associated_data("payments", made.rotation_id, made.client_id, made.version_id),
        wire::encode_secret(delivered).reveal(), random_);
    made.sealed = {{"alice", sealed->encapsulated, sealed->ciphertext}};
    return wire::encode_signed(made, signer);
  }

  void append_to_stream(const Bytes& bytes, std::string_view id = "*") {
    redis({"XADD", "shearline:{g:payments}:stream", id, "e", as_text(bytes)});
  }
  // Each on a thread of its own, as every run of the program is.
  void redis(const store::RedisLink::Args& command) {
    std::thread([&] {
      const auto loop = loop::make_uring_loop({}).value();
      const loop::FiberScheduler scheduler(*loop);
      store::RedisOptions options;
      options.address = redis_.address();
      const auto link = store::RedisLink::connect(*loop, options);
      ASSERT_TRUE(link) << link.error().message;
      const auto done = (*link)->command(command);
      ASSERT_TRUE(done && !done->is_error());
    }).join();
  }
  Exit run() {
    ::setenv(passphrase_variable, "correct horse", 1);
    Exit exit = Exit::internal_error;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    std::thread([&] {
      const Output output(settings_.json);
      exit = inbox({settings_, output, clock_, random_}, options_);
    }).join();
    out_ = testing::internal::GetCapturedStdout();
    warnings_ = testing::internal::GetCapturedStderr();
    return exit;
  }
  std::vector<std::string> secrets_on_disk() const {
    std::vector<std::string> found;
    if (!std::filesystem::exists(options_.out)) return found;
    for (const auto& entry : std::filesystem::directory_iterator(options_.out)) {
      std::ifstream file(entry.path());
      found.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  store::RedisServer redis_;
  SeededRandom random_{13};
  SystemClock clock_;
  Key engine_ = random_key(random_);
  keys::AdminKeys alice_;
  std::string keys_file_;
  Settings settings_;
  InboxOptions options_;
  std::string out_;
  std::string warnings_;
};

TEST_F(InboxTest, WritesTheSecretOnceAndRemembersIt) {
  const Bytes first = envelope("first secret", engine_);
  append_to_stream(first);
  EXPECT_EQ(run(), Exit::ok) << warnings_;
  EXPECT_EQ(secrets_on_disk(), std::vector<std::string>{"first secret"});
  std::filesystem::remove_all(options_.out);

  append_to_stream(first);  // a crash of the engine between its steps appends an envelope twice
  append_to_stream(envelope("second secret", engine_));
  EXPECT_EQ(run(), Exit::ok) << warnings_;
  EXPECT_EQ(secrets_on_disk(), std::vector<std::string>{"second secret"});
}

TEST_F(InboxTest, RefusesForgeriesAloudAndGoesOn) {
  append_to_stream(envelope("forged", random_key(random_)));
  append_to_stream(to_bytes(as_bytes("rubbish")));
  append_to_stream(envelope("real", engine_));
  EXPECT_EQ(run(), Exit::ok) << warnings_;
  EXPECT_EQ(secrets_on_disk(), std::vector<std::string>{"real"});
  std::size_t refused = 0;
  for (auto at = warnings_.find("was refused"); at != std::string::npos;
       at = warnings_.find("was refused", at + 1)) {
    ++refused;
  }
  EXPECT_EQ(refused, 2U) << warnings_;
}

TEST_F(InboxTest, AnEntryOfTheFutureThatIsTakenAwayAgainMakesItDeafToNothing) {
  append_to_stream(envelope("first secret", engine_));
  EXPECT_EQ(run(), Exit::ok) << warnings_;
  append_to_stream(envelope("forged", random_key(random_)), "18446744073709551615-18446744073709551615");
  EXPECT_EQ(run(), Exit::unavailable);
  redis({"DEL", "shearline:{g:payments}:stream"});
  append_to_stream(envelope("second secret", engine_));
  EXPECT_EQ(run(), Exit::ok) << warnings_;
  EXPECT_EQ(secrets_on_disk(), (std::vector<std::string>{"first secret", "second secret"}));
  EXPECT_NE(warnings_.find("ends before what was read"), std::string::npos) << warnings_;
  EXPECT_NE(out_.find(R"("event":"stream_went_backwards","group":"payments")"), std::string::npos) << out_;
}

TEST_F(InboxTest, ReadingAStreamAgainTakesNoSecretTwice) {
  const Bytes first = envelope("first secret", engine_);
  append_to_stream(first);
  EXPECT_EQ(run(), Exit::ok) << warnings_;
  std::filesystem::remove_all(options_.out);
  redis({"DEL", "shearline:{g:payments}:stream"});
  append_to_stream(first, "1-1");
  EXPECT_EQ(run(), Exit::unavailable);
  EXPECT_TRUE(secrets_on_disk().empty());
  EXPECT_EQ(run(), Exit::unavailable);
  EXPECT_EQ(warnings_.find("ends before"), std::string::npos) << "said once: " << warnings_;
}

TEST_F(InboxTest, AStreamOfAnotherTypeKeepsNoOtherOneBack) {
  redis({"SADD", "shearline:{g:ruined}:stream", "junk"});
  options_.groups = {"ruined", "payments"};
  append_to_stream(envelope("first secret", engine_));
  EXPECT_EQ(run(), Exit::ok) << warnings_;
  EXPECT_EQ(secrets_on_disk(), std::vector<std::string>{"first secret"});
  EXPECT_NE(warnings_.find("the stream of ruined cannot be read: Redis refuses XREVRANGE: WRONGTYPE"),
            std::string::npos)
      << warnings_;
  options_.groups = {"ruined"};
  EXPECT_EQ(run(), Exit::unavailable);
}

TEST_F(InboxTest, LooksOnceEvenWithNoTimeToWait) {
  options_.timeout = "0s";
  EXPECT_EQ(run(), Exit::unavailable);
  append_to_stream(envelope("first secret", engine_));
  EXPECT_EQ(run(), Exit::ok) << warnings_;
}

TEST_F(InboxTest, SaysAtOnceThatNoFileCanBeWrittenThere) {
  options_.out = keys_file_;
  append_to_stream(envelope("first secret", engine_));
  EXPECT_EQ(run(), Exit::invalid);
  EXPECT_NE(out_.find(keys_file_ + " takes no files: Not a directory"), std::string::npos) << out_;
}

TEST_F(InboxTest, SaysToPeopleWhichGroupsItFollows) {
  settings_.json = false;
  options_.timeout = "0s";
  EXPECT_EQ(run(), Exit::unavailable);
  EXPECT_NE(warnings_.find("following payments"), std::string::npos) << warnings_;
}

TEST_F(InboxTest, SaysInTheEndThatNothingCame) {
  EXPECT_EQ(run(), Exit::unavailable);
  EXPECT_TRUE(secrets_on_disk().empty());
}

TEST_F(InboxTest, PrintsTheSecretOnlyWhenItIsToldTo) {
  append_to_stream(envelope("first secret", engine_));
  EXPECT_EQ(run(), Exit::ok);
  EXPECT_EQ(out_.find("first secret"), std::string::npos);
  options_.show = true;
  append_to_stream(envelope("second secret", engine_));
  EXPECT_EQ(run(), Exit::ok);
  EXPECT_NE(out_.find("\"secret\":\"second secret\""), std::string::npos) << out_;
}

TEST_F(InboxTest, ASecondOneWithTheSameKeysIsRefused) {
  const std::string lock = keys_file_ + ".inbox.lock";
  const int held = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(::flock(held, LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(run(), Exit::conflict);
  ::close(held);
}

TEST_F(InboxTest, WithTheWrongPassphraseNothingIsOpened) {
  append_to_stream(envelope("first secret", engine_));
  std::ofstream(redis_.folder() + "/passphrase") << "wrong horse\n";
  std::filesystem::permissions(redis_.folder() + "/passphrase", std::filesystem::perms::owner_read);
  settings_.passphrase_file = redis_.folder() + "/passphrase";
  EXPECT_EQ(run(), Exit::unauthorized);
  EXPECT_TRUE(secrets_on_disk().empty());
}

}  // namespace
}  // namespace shearline::cli
