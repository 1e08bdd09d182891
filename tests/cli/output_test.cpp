#include "cli/output.hpp"

#include <gtest/gtest.h>

namespace shearline::cli {
namespace {

TEST(JsonObject, EscapesWhatPeopleWrite) {
  EXPECT_EQ(json_object({{"name", "a \"b\"\n"}, {"count", 3}, {"yes", true}, Member::raw("inner", "{}")}),
            R"({"name":"a \"b\"\n","count":3,"yes":true,"inner":{}})");
  EXPECT_EQ(json_object({}), "{}");
}

TEST(JsonObject, NeverFailsForBytesThatAreNotUtf8) { EXPECT_NO_THROW(json_object({{"name", "\xff\xfe"}})); }

TEST(TextMember, IsEmptyForWhateverIsNotThere) {
  EXPECT_EQ(text_member(R"({"a":"b"})", "a"), "b");
  EXPECT_EQ(text_member(R"({"a":1})", "a"), "");
  EXPECT_EQ(text_member(R"({"a":"b"})", "c"), "");
  EXPECT_EQ(text_member("[]", "a"), "");
  EXPECT_EQ(text_member("", "a"), "");
}

policy::Answer rejected(Code code) {
  policy::Answer answer;
  answer.status = policy::AnswerStatus::rejected;
  answer.code = code;
  answer.detail = "a rotation is open";
  return answer;
}

TEST(AnswerJson, HoldsRotationAndResultAsJson) {
  policy::Answer answer;
  answer.status = policy::AnswerStatus::accepted;
  answer.code = Code::ok;
  answer.durability = "aof-always";
  answer.rotation_json = R"({"state":"notified"})";
  EXPECT_EQ(answer_json(answer),
            R"({"jti":"00000000000000000000000000","status":"accepted","code":"ok","detail":"",)"
            R"("durability":"aof-always","rotation":{"state":"notified"}})");
}

TEST(Output, EndsWithTheCodeOfTheAnswer) {
  const Output output(false);
  testing::internal::CaptureStderr();
  EXPECT_EQ(output.answer(rejected(Code::conflict)), Exit::conflict);
  EXPECT_EQ(output.error({Code::unavailable, "away"}), Exit::unavailable);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "refused (conflict): a rotation is open\nshearline: away\n");
}

TEST(Output, ARefusalWithoutACodeIsNotASuccess) {
  const Output output(false);
  testing::internal::CaptureStderr();
  EXPECT_EQ(output.answer(rejected(Code::ok)), Exit::internal_error);
  testing::internal::GetCapturedStderr();
}

TEST(Output, WithJsonSaysEverythingOnStdoutAsObjects) {
  const Output output(true);
  testing::internal::CaptureStdout();
  output.line("for people");
  output.error({Code::not_found, "no such"});
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "{\"status\":\"failed\",\"code\":\"not_found\",\"detail\":\"no such\"}\n");
}

TEST(JsonQuoted, EscapesEveryByteThatNeedsIt) {
  EXPECT_EQ(as_text(json_quoted(as_bytes("a\"b\\c\n\x1f\xc3\xa4")).reveal()),
            "\"a\\\"b\\\\c\\u000a\\u001f\xc3\xa4\"");
  EXPECT_EQ(as_text(json_quoted({}).reveal()), "\"\"");
}

}  // namespace
}  // namespace shearline::cli
