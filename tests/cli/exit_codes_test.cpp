#include "cli/exit_codes.hpp"

#include <gtest/gtest.h>

#include <set>

namespace shearline::cli {
namespace {

TEST(ExitCodes, EachCodeOfTheWireHasItsOwnNumber) {
  std::set<int> numbers;
  for (int code = 0; code <= static_cast<int>(Code::internal_error); ++code) {
    numbers.insert(static_cast<int>(exit_of(static_cast<Code>(code))));
  }
  EXPECT_EQ(numbers.size(), static_cast<std::size_t>(Code::internal_error) + 1);
}

TEST(ExitCodes, ScriptsRelyOnTheseNumbers) {
  EXPECT_EQ(static_cast<int>(exit_of(Code::ok)), 0);
  EXPECT_EQ(static_cast<int>(exit_of(Code::policy_violation)), 1);
  EXPECT_EQ(static_cast<int>(Exit::usage), 2);
  EXPECT_EQ(static_cast<int>(exit_of(Code::unavailable)), 3);
  EXPECT_EQ(static_cast<int>(exit_of(Code::unauthorized)), 4);
  EXPECT_EQ(static_cast<int>(exit_of(Code::conflict)), 5);
  EXPECT_EQ(static_cast<int>(exit_of(Code::not_found)), 6);
  EXPECT_EQ(static_cast<int>(exit_of(Code::rate_limited)), 7);
  EXPECT_EQ(static_cast<int>(exit_of(Code::invalid)), 8);
  EXPECT_EQ(static_cast<int>(exit_of(Code::internal_error)), 9);
  EXPECT_EQ(static_cast<int>(Exit::rejected_secret), 10);
  EXPECT_EQ(static_cast<int>(Exit::not_promoted), 11);
  EXPECT_EQ(static_cast<int>(Exit::partly_done), 12);
}

TEST(ExitCodes, TheTableNamesEveryNumberInOrder) {
  for (std::size_t i = 0; i < exit_table.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(exit_table[i].exit), i);
    EXPECT_FALSE(exit_table[i].meaning.empty());
  }
}

TEST(ExitCodes, TheHelpHasALineForEach) {
  const std::string help = exit_help();
  for (const ExitMeaning& row : exit_table) EXPECT_NE(help.find(row.meaning), std::string::npos);
}

}  // namespace
}  // namespace shearline::cli
