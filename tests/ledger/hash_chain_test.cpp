// A trail shows every change that was made to it afterwards.
#include "ledger/hash_chain.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace shearline::ledger {
namespace {

std::string trail_of(int events, HashChain* chain = nullptr) {
  HashChain own;
  HashChain& used = chain != nullptr ? *chain : own;
  HashChain::Draft draft = used.draft();
  for (int i = 0; i < events; ++i) {
    const std::string json = "{\"type\":\"event-" + std::to_string(i) + "\"}";
    HashChain::add(draft, {3, static_cast<std::uint64_t>(i + 1), 0, {}}, as_bytes(json), json);
  }
  std::string text = draft.text;
  used.commit(std::move(draft));
  return text;
}

Result<ChainState> read(const std::string& text) {
  std::istringstream in(text);
  return read_chain(in);
}

TEST(HashChain, AcceptsItsOwnTrail) {
  HashChain written;
  const auto state = read(trail_of(5, &written));
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->chain.lines(), 5U);
  EXPECT_EQ(state->chain.head(), written.head());
}

TEST(HashChain, NamesTheLineAfterOneThatWasChanged) {
  std::string text = trail_of(5);
  text[text.find("event-2") + 6] = '9';
  const auto state = read(text);
  ASSERT_FALSE(state);
  EXPECT_NE(state.error().message.find("line 4"), std::string::npos) << state.error().message;
}

TEST(HashChain, NamesTheGapOfARemovedLine) {
  std::string text = trail_of(5);
  const std::size_t second = text.find('\n') + 1;
  text.erase(second, text.find('\n', second) + 1 - second);
  const auto state = read(text);
  ASSERT_FALSE(state);
  EXPECT_NE(state.error().message.find("line 2: the sequence number"), std::string::npos)
      << state.error().message;
}

TEST(HashChain, ALastLineTornAtEveryByteIsNotThere) {
  const std::string text = trail_of(2);
  const std::size_t whole = text.find('\n') + 1;
  for (std::size_t bytes = whole; bytes < text.size(); ++bytes) {
    const auto state = read(text.substr(0, bytes));
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->chain.lines(), 1U);
    EXPECT_EQ(state->good_bytes, whole);
    EXPECT_EQ(state->torn_bytes, bytes - whole);
  }
}

TEST(HashChain, KnowsAnEventAgainByItsBytesWhereverItStands) {
  HashChain chain;
  trail_of(3, &chain);
  EXPECT_TRUE(chain.has(event_id(as_bytes("{\"type\":\"event-1\"}"))));
  EXPECT_FALSE(chain.has(event_id(as_bytes("{\"type\":\"event-9\"}"))));
}

TEST(HashChain, ADraftThatIsNotCommittedChangesNothing) {
  HashChain chain;
  HashChain::Draft draft = chain.draft();
  HashChain::add(draft, {}, as_bytes("x"), "{}");
  EXPECT_EQ(chain.lines(), 0U);
  EXPECT_FALSE(chain.has(event_id(as_bytes("x"))));
}

TEST(HashChain, ForgetsOnlyWhatIsOlderThanItRemembers) {
  HashChain chain;
  trail_of(static_cast<int>(HashChain::remembered_max) + 1, &chain);
  EXPECT_FALSE(chain.has(event_id(as_bytes("{\"type\":\"event-0\"}"))));
  EXPECT_TRUE(chain.has(event_id(as_bytes("{\"type\":\"event-1\"}"))));
}

}  // namespace
}  // namespace shearline::ledger
