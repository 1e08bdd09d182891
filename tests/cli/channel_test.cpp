#include "cli/channel.hpp"

#include "io/loop/fiber_scheduler.hpp"
#include "policy/jws.hpp"
#include "tests/io/store/redis_server.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace shearline::cli {
namespace {

constexpr std::string_view command_text = "the bytes of a command";

// Hears every command on the channel and says what the test wants, as an engine or as whoever else can publish.
class Listener {
 public:
  using Heard = std::function<std::vector<std::string>(std::string_view command)>;  // what to say in answer

  Listener(loop::Loop& loop, store::RedisOptions redis, std::string reply_channel, Heard heard)
      : loop_(loop),
        redis_(std::move(redis)),
        reply_channel_(std::move(reply_channel)),
        heard_(std::move(heard)),
        subscribed_(loop) {
    fiber_ = loop::spawn("listener", [this] { run(); });
    subscribed_.wait();
  }
  ~Listener() {
    stopped_ = true;
    if (subscriber_) subscriber_->shut_down();
    fiber_.join();
  }

 private:
  void run() {
    while (!stopped_) {
      auto subscriber = store::RedisLink::connect(loop_, redis_);
      auto publisher = store::RedisLink::connect(loop_, redis_);
      if (!subscriber || !publisher) return;
      subscriber_ = std::move(*subscriber);
      EXPECT_TRUE(subscriber_->command({"SUBSCRIBE", commands()}));
      subscribed_.set();
      while (true) {
        const auto push = subscriber_->next(60'000);
        if (!push) break;
        const auto command = pushed_message(*push, commands());
        if (!command) continue;
        for (const std::string& said : heard_(*command)) {
          if (!(*publisher)->command({"PUBLISH", reply_channel_, said})) break;
        }
      }
    }
  }
  std::string commands() const { return redis_.prefix + "commands"; }

  loop::Loop& loop_;
  store::RedisOptions redis_;
  std::string reply_channel_;
  Heard heard_;
  loop::Event subscribed_;
  std::unique_ptr<store::RedisLink> subscriber_;
  bool stopped_ = false;
  boost::fibers::fiber fiber_;
};

class ChannelTest : public testing::Test {
 protected:
  ChannelTest() { options_.address = redis_.address(); }

  std::string answer_by(const Key& seed) {
    policy::Answer answer;
    answer.jti = expected_.jti;
    answer.command_hash = expected_.command_hash;
    answer.status = policy::AnswerStatus::done;
    answer.code = Code::ok;
    answer.detail = "done";
    return policy::sign_jws(policy::encode_answer(answer), policy::reply_type, "engine", seed);
  }
  std::string reply_channel() const { return options_.prefix + "replies:" + expected_.jti.text(); }
  Result<policy::Answer> ask(std::int64_t timeout_ms) {
    testing::internal::CaptureStderr();
    auto answer = Channel(*loop_, options_, timeout_ms, output_).ask(command_text, expected_);
    warnings_ = testing::internal::GetCapturedStderr();
    return answer;
  }

  store::RedisServer redis_;
  std::unique_ptr<loop::Loop> loop_ = loop::make_uring_loop({}).value();
  loop::FiberScheduler scheduler_{*loop_};
  store::RedisOptions options_;
  Output output_{false};
  std::string warnings_;
  SeededRandom random_{9};
  Key engine_ = random_key(random_);
  Expected expected_{.engine_key = ed25519_public(engine_),
                     .jti = Ulid::make(1'700'000'000'000, random_),
                     .command_hash = sha256(as_bytes(command_text))};
};

TEST_F(ChannelTest, TakesTheAnswerOfTheEngine) {
  std::string heard;
  const Listener engine(*loop_, options_, reply_channel(), [&](std::string_view command) {
    heard = command;
    return std::vector{answer_by(engine_)};
  });
  const auto answer = ask(60'000);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->detail, "done");
  EXPECT_EQ(heard, command_text);
  EXPECT_EQ(warnings_, "");
}

TEST_F(ChannelTest, RepeatsTheSameBytesUntilItIsHeard) {
  std::vector<std::string> heard;
  const Listener engine(*loop_, options_, reply_channel(), [&](std::string_view command) {
    heard.emplace_back(command);
    return heard.size() < 2 ? std::vector<std::string>{} : std::vector{answer_by(engine_)};
  });
  const auto answer = ask(60'000);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(heard, (std::vector<std::string>(2, std::string(command_text))));
}

TEST_F(ChannelTest, RefusesForgeriesAloudAndStillTakesTheRealAnswer) {
  const Key stranger = random_key(random_);
  const Listener both(*loop_, options_, reply_channel(), [&](std::string_view) {
    return std::vector{answer_by(stranger), std::string("rubbish"), answer_by(stranger), answer_by(engine_)};
  });
  const auto answer = ask(60'000);
  ASSERT_TRUE(answer) << answer.error().message;
  const std::string_view said = "not signed by the pinned engine";
  const auto first = warnings_.find(said);
  ASSERT_NE(first, std::string::npos) << warnings_;
  EXPECT_EQ(warnings_.find(said, first + 1), std::string::npos) << "each refusal is said once";
  EXPECT_NE(warnings_.find("not an answer"), std::string::npos);
}

TEST_F(ChannelTest, NeverTakesAForgeryHoweverLongItWaits) {
  const Key stranger = random_key(random_);
  const Listener forger(*loop_, options_, reply_channel(),
                        [&](std::string_view) { return std::vector{answer_by(stranger)}; });
  const auto answer = ask(200);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::unavailable);
  EXPECT_NE(answer.error().message.find("refused"), std::string::npos);
}

TEST_F(ChannelTest, SaysThatNobodyListens) {
  const auto answer = ask(100);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::unavailable);
  EXPECT_NE(answer.error().message.find("no engine listens"), std::string::npos) << answer.error().message;
}

TEST_F(ChannelTest, NamesTheCommandThatMayStillTakeEffect) {
  const Listener silent(*loop_, options_, reply_channel(),
                        [](std::string_view) { return std::vector<std::string>{}; });
  const auto answer = ask(100);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::unavailable);
  EXPECT_NE(answer.error().message.find(expected_.jti.text()), std::string::npos) << answer.error().message;
}

TEST_F(ChannelTest, SaysWhereRedisIsNot) {
  redis_.stop();
  const auto answer = ask(60'000);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::unavailable);
  EXPECT_NE(answer.error().message.find("--redis"), std::string::npos) << answer.error().message;
}

TEST_F(ChannelTest, GoesOnWhenRedisIsStartedAgain) {
  int heard = 0;
  const Listener engine(*loop_, options_, reply_channel(), [&](std::string_view) {
    if (++heard == 1) {
      redis_.kill();
      redis_.start();
      return std::vector<std::string>{};
    }
    return std::vector{answer_by(engine_)};
  });
  const auto answer = ask(60'000);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_GE(heard, 2);
}

TEST(PushedMessage, IsOnlyOneOfTheChannelAskedFor) {
  const auto reply = [](std::vector<std::string_view> texts) {
    store::RedisReply array{.type = store::RedisReply::Type::array, .integer = 0, .text = {}, .items = {}};
    for (const std::string_view text : texts) {
      array.items.push_back({.type = store::RedisReply::Type::bulk,
                             .integer = 0,
                             .text = to_bytes(as_bytes(text)),
                             .items = {}});
    }
    return array;
  };
  const store::RedisReply good = reply({"message", "c", "payload"});
  EXPECT_EQ(pushed_message(good, "c"), "payload");
  EXPECT_FALSE(pushed_message(good, "d"));
  EXPECT_FALSE(pushed_message(reply({"subscribe", "c", "payload"}), "c"));
  EXPECT_FALSE(pushed_message(reply({"message", "c"}), "c"));
  EXPECT_FALSE(pushed_message({}, "c"));
}

}  // namespace
}  // namespace shearline::cli
