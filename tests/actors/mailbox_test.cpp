// Mailboxes and reply slots between fibers of one thread.
#include "actors/mailbox.hpp"

#include "actors/reply.hpp"

#include <boost/fiber/operations.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace shearline::actors {
namespace {

using Note = std::unique_ptr<int>;  // move-only, as messages may be
Note note(int number) { return std::make_unique<int>(number); }

class Mailboxes : public ::testing::Test {
 protected:
  template <class Box>
  static std::vector<int> drain(Box& box) {
    std::vector<int> got;
    while (auto message = box.receive(0)) got.push_back(**message);
    return got;
  }
  void let_others_run() {
    for (int i = 0; i < 10; ++i) boost::this_fiber::yield();
  }

  std::unique_ptr<loop::Loop> loop_ = loop::make_uring_loop({}).value();
  loop::FiberScheduler scheduler_{*loop_};
};

TEST_F(Mailboxes, DeliverInTheOrderOfSending) {
  Mailbox<Note, 4, WhenFull::shed> box(*loop_);
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(box.send(note(i)));
  EXPECT_EQ(drain(box), (std::vector{1, 2, 3}));
}

TEST_F(Mailboxes, WakeTheirOwnerWhenSomethingArrives) {
  Mailbox<Note, 4, WhenFull::wait> box(*loop_);
  int got = 0;
  auto owner = loop::spawn("owner", [&] { got = **box.receive(); });
  let_others_run();
  EXPECT_EQ(got, 0);
  box.send(note(7));
  owner.join();
  EXPECT_EQ(got, 7);
}

TEST_F(Mailboxes, ThatShedRefuseWhatIsBeyondTheLimit) {
  Mailbox<Note, 2, WhenFull::shed> box(*loop_);
  EXPECT_TRUE(box.send(note(1)));
  EXPECT_TRUE(box.send(note(2)));
  EXPECT_FALSE(box.send(note(3)));
  EXPECT_EQ(box.messages_lost(), 1U);
  EXPECT_EQ(drain(box), (std::vector{1, 2}));
}

TEST_F(Mailboxes, ThatDropTheOldestKeepTheNewest) {
  Mailbox<Note, 2, WhenFull::drop_oldest> box(*loop_);
  for (int i = 1; i <= 4; ++i) EXPECT_TRUE(box.send(note(i)));
  EXPECT_EQ(box.messages_lost(), 2U);
  EXPECT_EQ(drain(box), (std::vector{3, 4}));
}

TEST_F(Mailboxes, ThatWaitHoldTheSenderUntilThereIsRoom) {
  Mailbox<Note, 1, WhenFull::wait> box(*loop_);
  int sent = 0;
  auto sender = loop::spawn("sender", [&] {
    for (int i = 1; i <= 3; ++i) {
      EXPECT_TRUE(box.send(note(i)));
      ++sent;
    }
    box.close();
  });
  let_others_run();
  EXPECT_EQ(sent, 1) << "the second one must wait";
  std::vector<int> got;
  while (auto message = box.receive()) got.push_back(**message);
  sender.join();
  EXPECT_EQ(got, (std::vector{1, 2, 3}));
  EXPECT_EQ(box.messages_lost(), 0U);
}

// What an actor with states to be told of has for messages.
struct Turned {
  bool on = false;
};
struct Moved {};
using Told = std::variant<Note, Turned, Moved>;

TEST_F(Mailboxes, ControlMessagesPassAllOthersEvenWhenFull) {
  Mailbox<Told, 2, WhenFull::shed> box(*loop_);
  box.send(note(1));
  box.send(note(2));
  box.send_control(Turned{true});
  EXPECT_TRUE(std::holds_alternative<Turned>(*box.receive()));
  EXPECT_EQ(*std::get<Note>(*box.receive()), 1);
}

TEST_F(Mailboxes, TheNewestStateIsTheOneThatIsToldHoweverManyWentBefore) {
  Mailbox<Told, 1, WhenFull::shed> box(*loop_);
  for (int i = 0; i < 1000; ++i) box.send_control(Turned{i % 2 == 1});
  EXPECT_TRUE(std::get<Turned>(*box.receive()).on);
  EXPECT_EQ(box.receive(0), std::nullopt) << "what was true before is nobody's business any more";
}

TEST_F(Mailboxes, AStateTakesThePlaceOfItsOwnKindOnly) {
  Mailbox<Told, 1, WhenFull::shed> box(*loop_);
  box.send_control(Turned{true});
  box.send_control(Moved{});
  box.send_control(Turned{false});
  EXPECT_TRUE(std::holds_alternative<Moved>(*box.receive()));
  EXPECT_FALSE(std::get<Turned>(*box.receive()).on);
}

TEST_F(Mailboxes, ClosedOnesTakeNothingAndEndAfterTheLastMessage) {
  Mailbox<Note, 4, WhenFull::shed> box(*loop_);
  box.send(note(1));
  box.send(note(2));
  box.close();
  EXPECT_TRUE(box.closed());
  EXPECT_FALSE(box.send(note(3)));
  EXPECT_EQ(**box.receive(), 1);
  EXPECT_EQ(**box.receive(), 2);
  EXPECT_EQ(box.receive(), std::nullopt);  // without a deadline: would hang if it did not end
}

TEST_F(Mailboxes, ClosedOnesAreToldNothingMore) {
  Mailbox<Told, 1, WhenFull::shed> box(*loop_);
  box.close();
  box.send_control(Turned{true});
  EXPECT_EQ(box.receive(), std::nullopt);
}

TEST_F(Mailboxes, ClosingReleasesTheOwnerAndWaitingSenders) {
  Mailbox<Note, 1, WhenFull::wait> full(*loop_);
  Mailbox<Note, 1, WhenFull::wait> empty(*loop_);
  full.send(note(1));
  bool taken = true;
  auto sender = loop::spawn("sender", [&] { taken = full.send(note(2)); });
  bool ended = false;
  auto owner = loop::spawn("owner", [&] { ended = !empty.receive(); });
  let_others_run();
  full.close();
  empty.close();
  sender.join();
  owner.join();
  EXPECT_FALSE(taken);
  EXPECT_TRUE(ended);
}

TEST_F(Mailboxes, ReceiveGivesUpAtItsDeadline) {
  Mailbox<Note, 1, WhenFull::wait> box(*loop_);
  EXPECT_EQ(box.receive(loop_->monotonic_ms() + 2), std::nullopt);
  EXPECT_FALSE(box.closed());
}

class Replies : public Mailboxes {
 protected:
  struct Question {
    int number = 0;
    ReplyTo<Result<int>> reply;
  };
  using Box = Mailbox<Question, 1, WhenFull::wait>;
};

TEST_F(Replies, BringTheAnswerToTheFiberThatAsked) {
  Box box(*loop_);
  auto responder = loop::spawn("responder", [&] {
    while (auto question = box.receive()) question->reply->set(question->number * 2);
  });
  Reply<Result<int>> reply(*loop_);
  box.send({21, &reply});
  EXPECT_EQ(reply.wait().value(), 42);
  box.close();
  responder.join();
}

TEST_F(Replies, AreUnavailableWhenTheQuestionIsDroppedUnanswered) {
  Reply<Result<int>> refused(*loop_);
  Box box(*loop_);
  box.close();
  box.send({1, &refused});
  EXPECT_EQ(refused.wait().error().code, Code::unavailable);

  Reply<Result<int>> forgotten(*loop_);
  {
    const Question question{1, &forgotten};
  }
  EXPECT_EQ(forgotten.wait().error().code, Code::unavailable);
}

TEST_F(Replies, AreUnavailableWhenTheMailboxGoesWithTheQuestionInside) {
  Reply<Result<int>> reply(*loop_);
  {
    Box box(*loop_);
    box.send({1, &reply});
  }
  EXPECT_EQ(reply.wait().error().code, Code::unavailable);
}

TEST_F(Replies, MayNameWhatAnAbandonedQuestionIsAnswered) {
  Reply<std::string> reply(*loop_, "nobody is there");
  {
    const ReplyTo<std::string> to(&reply);
  }
  EXPECT_EQ(reply.wait(), "nobody is there");
}

TEST_F(Replies, AfterTheDeadlineGoNowhere) {
  ReplyTo<std::string> late;
  {
    Reply<std::string> reply(*loop_, "nobody answered in time");
    late = ReplyTo<std::string>(&reply);
    EXPECT_TRUE(late.is_awaited());
    EXPECT_EQ(reply.wait(loop_->monotonic_ms() + 1), "nobody answered in time");
  }
  EXPECT_FALSE(late.is_awaited());
  late.set("too late");  // the asking fiber is gone; nothing of it is touched
}

TEST_F(Replies, KeepTheFirstAnswer) {
  Reply<std::string> reply(*loop_);
  reply.set("first");
  reply.set("second");
  EXPECT_EQ(reply.wait(), "first");
}

}  // namespace
}  // namespace shearline::actors
