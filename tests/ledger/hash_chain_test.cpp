// A trail shows every change that was made to it afterwards.
#include "ledger/hash_chain.hpp"

#include "ledger/trail.hpp"

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

Place at(std::uint64_t counter) { return {3, counter, 0, {}}; }
std::string id_of(int event) {
  return event_id(as_bytes("{\"type\":\"event-" + std::to_string(event) + "\"}"));
}
using Recall = HashChain::Recall;

TEST(HashChain, KnowsAnEventAgainByItsBytesWhereverItStands) {
  HashChain chain;
  trail_of(3, &chain);
  EXPECT_EQ(chain.recall(id_of(1), at(77)), Recall::written);
  EXPECT_EQ(chain.recall(id_of(9), at(2)), Recall::not_written);
}

TEST(HashChain, ADraftThatIsNotCommittedChangesNothing) {
  HashChain chain;
  HashChain::Draft draft = chain.draft();
  HashChain::add(draft, {}, as_bytes("x"), "{}");
  EXPECT_EQ(chain.lines(), 0U);
  EXPECT_EQ(chain.recall(event_id(as_bytes("x")), {}), Recall::not_written);
}

TEST(HashChain, ADraftTakesAnEventOnce) {
  HashChain chain;
  HashChain::Draft draft = chain.draft();
  HashChain::add(draft, at(1), as_bytes("x"), "{}");
  HashChain::add(draft, at(2), as_bytes("x"), "{}");
  EXPECT_EQ(draft.lines, 1U);
  EXPECT_TRUE(read(draft.text));
}

TEST(HashChain, IsNotSureOfWhatIsOlderThanItRemembersAndOfThatOnly) {
  constexpr int events = static_cast<int>(HashChain::remembered_max) + 1;
  HashChain chain;
  trail_of(events, &chain);
  EXPECT_EQ(chain.recall(id_of(0), at(1)), Recall::perhaps);
  EXPECT_EQ(chain.recall(id_of(1), at(2)), Recall::written);
  EXPECT_EQ(chain.recall(id_of(events), at(events)), Recall::perhaps) << "the store went backwards";
  EXPECT_EQ(chain.recall(id_of(events), at(events + 1)), Recall::not_written);
  EXPECT_EQ(chain.recall(id_of(events), {4, 1, 0, {}}), Recall::perhaps) << "of another partition";
}

TEST(HashChain, GoesOnAfterALineWhosePredecessorsNobodyLookedAt) {
  HashChain whole;
  const std::string text = trail_of(5, &whole);
  std::istringstream in(text);
  std::string line;
  for (int i = 0; i < 3; ++i) std::getline(in, line);
  Result<HashChain> chain = HashChain::after(line);
  ASSERT_TRUE(chain) << chain.error().message;
  while (std::getline(in, line)) ASSERT_TRUE(chain->accept(line));
  EXPECT_EQ(chain->lines(), 5U);
  EXPECT_EQ(chain->head(), whole.head());
  EXPECT_EQ(chain->recall(id_of(2), at(3)), Recall::written);
  EXPECT_EQ(chain->recall(id_of(1), at(2)), Recall::perhaps);
}

TEST(HashChain, WhatIsNoLineIsRefusedAndChangesNothing) {
  HashChain chain;
  for (const char* text :
       {"", "{}", "[]", "null", R"({"seq":1})", R"({"seq":-1,"prev":"","id":"","event":{}})",
        R"({"seq":"1","prev":"","id":"","partition":0,"counter":0,"index":0,"event":{}})",
        R"({"seq":1,"prev":"","id":"","partition":0,"counter":0,"index":0,"event":[]})"}) {
    EXPECT_EQ(chain.accept(text).error().code, Code::invalid) << text;
    EXPECT_FALSE(HashChain::after(text)) << text;
  }
  EXPECT_EQ(chain.lines(), 0U);
}

}  // namespace
}  // namespace shearline::ledger
