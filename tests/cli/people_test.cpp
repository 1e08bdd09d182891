#include "cli/people.hpp"

#include <gtest/gtest.h>

namespace shearline::cli {
namespace {

TEST(ForPeople, AlignsMembersAndSpellsTimes) {
  EXPECT_EQ(for_people(R"({"client_id":"acme","expires_at_ms":1700000000000,"grace_ms":86400000})"),
            "client id   acme\nexpires at  2023-11-14T22:13:20.000Z\ngrace       1d\n");
}

TEST(ForPeople, PutsWhatMattersFirstAndKeepsTheRestInOrder) {
  EXPECT_EQ(for_people(R"({"zeta":"1","alpha":"2","state":"notified","rotation_id":"R1"})"),
            "rotation id  R1\nstate        notified\nzeta         1\nalpha        2\n");
}

TEST(ForPeople, LeavesOutWhatSaysNothing) {
  EXPECT_EQ(for_people(R"({"a":null,"b":"","c":false,"d":{},"e":true,"f":0})"), "e  yes\nf  0\n");
}

TEST(ForPeople, GivesAListOfObjectsOneLineEach) {
  EXPECT_EQ(
      for_people(
          R"({"groups":[{"group_id":"ops","members":["alice","bob"]},{"group_id":"dev","members":[]}]})"),
      "groups\n  ops  members alice, bob\n  dev  members none\n");
}

TEST(ForPeople, SaysThatAnAdminWithoutLimitsHasNone) {
  EXPECT_EQ(for_people(R"([{"admin_id":"alice","environments":[],"tenants":["t"]}])"),
            "alice  environments all  tenants t\n");
}

TEST(ForPeople, TellsAnAuditEventInOneSentence) {
  EXPECT_EQ(
      for_people(
          R"({"events":[{"type":"rotation.promoted","at":"2026-01-31T12:00:00.000Z","who":"alice",)"
          R"("before":"notified","after":"promoted","reason":"quarterly","policy_hash":"ab"},)"
          R"({"type":"credential.created","at":"2026-01-31T11:00:00.000Z","who":"bob","after":"new"}]})"),
      "events\n"
      "  2026-01-31T12:00:00.000Z  rotation.promoted by alice: notified -> promoted (quarterly)\n"
      "  2026-01-31T11:00:00.000Z  credential.created by bob: new\n");
}

TEST(ForPeople, IndentsWhatIsInsideAndPutsItLast) {
  EXPECT_EQ(for_people(R"({"metadata":{"owner":"acme"},"acks":["alice"]})"),
            "acks  alice\nmetadata\n  owner  acme\n");
}

TEST(ForPeople, ShowsWhatIsNoJsonAsItIs) { EXPECT_EQ(for_people("hello"), "hello\n"); }

TEST(ForPeople, LetsNothingActOnTheTerminal) {
  EXPECT_EQ(for_people(R"({"reason":"\u001b[2Jgone\u0007"})"), "reason  ?[2Jgone?\n");
  EXPECT_EQ(for_people("\x1b[2J"), "?[2J\n");
  EXPECT_EQ(for_people(R"(["\u001b"])"), "\"\\u001b\"\n");
}

TEST(HistoryRemarks, NameTheNodeWhoseTrailIsNotTheWholeOne) {
  EXPECT_TRUE(history_remarks(R"({"node":"n2","complete":true,"events":[]})").empty());
  const auto elsewhere = history_remarks(R"({"node":"n2","complete":false,"events_elsewhere":7})");
  ASSERT_EQ(elsewhere.size(), 1U);
  EXPECT_EQ(elsewhere[0],
            "incomplete: 7 events are not in the trail of n2 but in those of other nodes: "
            "shearline audit FILE... (audit.jsonl of every node)");
  const auto unknown = history_remarks(R"({"node":"n2","complete":false,"events":[]})");
  ASSERT_EQ(unknown.size(), 1U);
  EXPECT_EQ(unknown[0].find("not known to be complete"), 0U) << unknown[0];
  const auto waiting = history_remarks(R"({"node":"n2","complete":true,"events_waiting":1})");
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting[0], "1 event is stored and not yet in this trail; ask again");
}

TEST(AnswerText, SaysTheCodeOfARefusal) {
  policy::Answer answer;
  answer.status = policy::AnswerStatus::rejected;
  answer.code = Code::conflict;
  answer.detail = "a rotation is open\x1b";
  EXPECT_EQ(answer_text(answer), "refused (conflict): a rotation is open?\n");
}

TEST(AnswerText, ShowsARotationOnce) {
  policy::Answer answer;
  answer.status = policy::AnswerStatus::done;
  answer.rotation_json = R"({"state":"notified","rotation_id":"R1"})";
  EXPECT_EQ(answer_text(answer), "rotation id  R1\nstate        notified\n");
  answer.result_json = R"({"client_id":"acme","rotation":{"state":"notified","rotation_id":"R1"}})";
  EXPECT_EQ(answer_text(answer), "client id  acme\nrotation\n  rotation id  R1\n  state        notified\n");
  answer.result_json = R"({"client_id":"acme","rotation":null})";
  EXPECT_EQ(answer_text(answer), "rotation id  R1\nstate        notified\nclient id  acme\n");
}

}  // namespace
}  // namespace shearline::cli
