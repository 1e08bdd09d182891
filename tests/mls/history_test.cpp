// Random histories by the thousand. A failure prints its seed; SHEARLINE_HISTORY_SEED runs that one alone.
#include "tests/mls/history.hpp"

#include <cstdlib>

namespace shearline::mls {
namespace {

using namespace testing;

#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t histories = 60;
#else
constexpr std::uint64_t histories = 2000;
#endif
constexpr std::uint64_t parts = 4;  // that run beside each other

void run_history(std::uint64_t seed, Tally& tally) {
  SCOPED_TRACE(::testing::Message() << "SHEARLINE_HISTORY_SEED=" << seed);
  try {
    History(seed, tally).run();
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
}

class Histories : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Quarter, Histories, ::testing::Range<std::uint64_t>(0, parts));

TEST_P(Histories, MembersAgreeAndReadEachOtherAfterEveryStep) {
  Tally tally;
  if (const char* const seed = std::getenv("SHEARLINE_HISTORY_SEED")) {
    return run_history(std::strtoull(seed, nullptr, 10), tally);
  }
  for (std::uint64_t seed = GetParam(); seed < histories && !HasFailure(); seed += parts)
    run_history(seed, tally);
  std::printf(
      "%zu histories: %zu epochs, %zu joined, %zu removed, %zu messages read and %zu refused, %zu restored\n",
      static_cast<std::size_t>(histories / parts), tally.epochs, tally.joined, tally.removed, tally.read,
      tally.refused, tally.restored);
  for (const std::size_t count :
       {tally.epochs, tally.joined, tally.removed, tally.read, tally.refused, tally.restored}) {
    EXPECT_GT(count, histories / parts / 4);
  }
}

}  // namespace
}  // namespace shearline::mls
