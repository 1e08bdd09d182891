#include "cli/answer.hpp"

#include "policy/jws.hpp"

#include <gtest/gtest.h>

namespace shearline::cli {
namespace {

class AnswerTest : public testing::Test {
 protected:
  policy::Answer answer() {
    policy::Answer made;
    made.jti = expected_.jti;
    made.command_hash = expected_.command_hash;
    made.status = policy::AnswerStatus::done;
    made.code = Code::ok;
    made.detail = "done";
    return made;
  }
  std::string signed_by(const Key& seed, const policy::Answer& what,
                        std::string_view type = policy::reply_type) {
    return policy::sign_jws(policy::encode_answer(what), type, "engine", seed);
  }

  SeededRandom random_{3};
  Key engine_ = random_key(random_);
  Expected expected_{.engine_key = ed25519_public(engine_),
                     .jti = Ulid::make(1'700'000'000'000, random_),
                     .command_hash = sha256(as_bytes("command"))};
};

TEST_F(AnswerTest, OfThePinnedEngineToThisCommandIsTaken) {
  const auto judged = judge_answer(signed_by(engine_, answer()), expected_);
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_EQ(judged->detail, "done");
}

TEST_F(AnswerTest, OfAnotherKeyIsRefused) {
  const Key stranger = random_key(random_);
  const auto judged = judge_answer(signed_by(stranger, answer()), expected_);
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().code, Code::unauthorized);
}

TEST_F(AnswerTest, WithAChangedByteIsRefused) {
  const std::string good = signed_by(engine_, answer());
  for (std::size_t at = 0; at < good.size(); at += 7) {
    std::string bad = good;
    bad[at] = bad[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(judge_answer(bad, expected_)) << at;
  }
}

TEST_F(AnswerTest, ToAnotherCommandIsRefused) {
  policy::Answer other = answer();
  other.jti = Ulid::make(1'700'000'000'001, random_);
  const auto judged = judge_answer(signed_by(engine_, other), expected_);
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().code, Code::unauthorized);
}

TEST_F(AnswerTest, ToOtherBytesWithTheSameJtiIsRefused) {
  policy::Answer other = answer();
  other.command_hash = sha256(as_bytes("another command"));
  EXPECT_FALSE(judge_answer(signed_by(engine_, other), expected_));
}

TEST_F(AnswerTest, OfAnotherTypeIsRefused) {
  EXPECT_FALSE(judge_answer(signed_by(engine_, answer(), policy::command_type), expected_));
}

TEST_F(AnswerTest, ThatIsNoJwsIsRefused) {
  for (const char* rubbish : {"", ".", "..", "{}", "a.b.c", "hello"}) {
    const auto judged = judge_answer(rubbish, expected_);
    ASSERT_FALSE(judged);
    EXPECT_EQ(judged.error().code, Code::invalid);
  }
}

}  // namespace
}  // namespace shearline::cli
