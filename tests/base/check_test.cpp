#include "base/check.hpp"

#include <gtest/gtest.h>

namespace shearline {
namespace {

TEST(Check, WhatHoldsIsPassedAndEvaluatedOnce) {
  int evaluated = 0;
  SHEARLINE_CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckDeathTest, WhatDoesNotHoldEndsTheProcessInEveryBuildAndNamesPlaceAndConditionWithoutValues) {
  const int secret = 4711;
  EXPECT_DEATH(SHEARLINE_CHECK(secret < 3), "a bug: secret < 3 at .*tests/base/check_test.cpp:[0-9]+\n$");
}

}  // namespace
}  // namespace shearline
