#include "cli/follow.hpp"

#include <gtest/gtest.h>

namespace shearline::cli {
namespace {

policy::Answer answer(std::string rotation_json, std::string result_json) {
  policy::Answer made;
  made.rotation_json = std::move(rotation_json);
  made.result_json = std::move(result_json);
  return made;
}

std::string state_in(const policy::Answer& from) {
  const auto view = rotation_in(from, "R1");
  return view ? view->state : "not there";
}

TEST(RotationInAnswer, IsFoundWhereItStands) {
  EXPECT_EQ(state_in(answer(R"({"rotation_id":"R1","state":"notified"})", "")), "notified");
  EXPECT_EQ(state_in(answer("", R"({"client_id":"a","rotation":{"rotation_id":"R1","state":"prepared"}})")),
            "prepared");
  EXPECT_EQ(
      state_in(answer(
          R"({"rotation_id":"R2","state":"notified"})",
          R"({"ended":[{"rotation_id":"R0","outcome":"completed"},{"rotation_id":"R1","outcome":"expired"}]})")),
      "expired");
}

TEST(RotationInAnswer, OfAnotherRotationIsNotTaken) {
  EXPECT_EQ(state_in(answer(R"({"rotation_id":"R2","state":"notified"})", "")), "not there");
  EXPECT_EQ(state_in(answer("", "")), "not there");
  EXPECT_EQ(state_in(answer(R"({"rotation_id":"R1"})", "not json")), "not there");
}

TEST(Ending, IsKnownForEveryStateOfARotation) {
  using policy::RotationState;
  for (int i = 0; i <= static_cast<int>(RotationState::superseded); ++i) {
    const auto state = static_cast<RotationState>(i);
    const Ending expected = policy::is_open(state) ? Ending::open
                            : state == RotationState::promoted || state == RotationState::completed
                                ? Ending::promoted
                                : Ending::not_promoted;
    EXPECT_EQ(ending_of(policy::name_of(state)), expected) << policy::name_of(state);
  }
}

TEST(FollowTimeout, IsADurationOrNone) {
  EXPECT_EQ(timeout_from("").value(), -1);
  EXPECT_EQ(timeout_from("90s").value(), 90'000);
  EXPECT_FALSE(timeout_from("soon"));
}

}  // namespace
}  // namespace shearline::cli
