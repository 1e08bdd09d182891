#include "engine/verdict.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace shearline::engine {
namespace {

constexpr Verdict all_verdicts[] = {Verdict::current,    Verdict::grace,     Verdict::next,
                                    Verdict::rejected,   Verdict::malformed, Verdict::throttled,
                                    Verdict::unavailable};

TEST(Verdict, ByteOnTheWireIsTheFirstLetterOfItsName) {
  for (const Verdict verdict : all_verdicts) {
    EXPECT_EQ(static_cast<char>(verdict), name_of(verdict).front());
  }
}

TEST(Outcome, EveryOneHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < outcome_count; ++i) names.insert(name_of(static_cast<Outcome>(i)));
  EXPECT_EQ(names.size(), outcome_count);
}

TEST(Outcome, WireSaysRejectedForEveryReasonToRefuse) {
  for (const Outcome outcome :
       {Outcome::unknown_client, Outcome::mismatch, Outcome::retired, Outcome::revoked, Outcome::suspended}) {
    EXPECT_EQ(verdict_of(outcome), Verdict::rejected) << name_of(outcome);
  }
}

TEST(Outcome, CannotDecideIsNeverRejected) {
  EXPECT_EQ(verdict_of(Outcome::loading), Verdict::unavailable);
  EXPECT_EQ(verdict_of(Outcome::stale), Verdict::unavailable);
}

TEST(Outcome, AcceptedOnesSayWhichVersionMatched) {
  EXPECT_EQ(verdict_of(Outcome::current), Verdict::current);
  EXPECT_EQ(verdict_of(Outcome::grace), Verdict::grace);
  EXPECT_EQ(verdict_of(Outcome::next), Verdict::next);
  EXPECT_EQ(verdict_of(Outcome::malformed), Verdict::malformed);
}

}  // namespace
}  // namespace shearline::engine
