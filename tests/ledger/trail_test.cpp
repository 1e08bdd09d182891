// The trail of a deployment is the union of its nodes' files, each event once.
#include "ledger/trail.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace shearline::ledger {
namespace {

// A node's file, written event by event.
class NodeFile {
 public:
  NodeFile& write(const std::string& event, TimeMs at_ms, std::uint64_t counter, std::uint32_t index = 0) {
    const std::string json = R"({"type":")" + event + R"(","at_ms":)" + std::to_string(at_ms) + "}";
    HashChain::Draft draft = chain_.draft();
    HashChain::add(draft, {2, counter, index, {}}, as_bytes(json), json);
    text_ += draft.text;
    chain_.commit(std::move(draft));
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  HashChain chain_;
  std::string text_;
};

Result<ChainState> add(MergedTrail& trail, const std::string& text) {
  std::istringstream in(text);
  return trail.add(in);
}

// The events' types, in order, with the files they stand in: "created:0 rotated:0,1".
std::string told(std::vector<TrailEvent> events, const std::vector<std::string>& files) {
  std::string out;
  for (const TrailEvent& event : events) {
    const TrailEvent::Standing& first = event.standings.front();
    const std::string line = files[first.file].substr(first.offset, first.bytes);
    const std::size_t type = line.find("\"type\":\"") + 8;
    out += (out.empty() ? "" : " ") + line.substr(type, line.find('"', type) - type) + ":";
    for (const TrailEvent::Standing& standing : event.standings) {
      out += (&standing == &first ? "" : ",") + std::to_string(standing.file);
    }
  }
  return out;
}

TEST(MergedTrail, ShowsEachEventOnceInTheOrderOfTimeAndNamesTheFilesItStandsIn) {
  const std::string first = NodeFile().write("created", 100, 1).write("rotated", 200, 2).text();
  const std::string second = NodeFile().write("rotated", 200, 2).write("promoted", 300, 3).text();
  MergedTrail trail;
  ASSERT_TRUE(add(trail, second));
  ASSERT_TRUE(add(trail, first));
  EXPECT_EQ(told(std::move(trail).merge(), {second, first}), "created:1 rotated:0,1 promoted:0");
}

TEST(MergedTrail, KnowsAnEventThatWasPutBackAtAnotherPlace) {
  const std::string first = NodeFile().write("rotated", 200, 9).write("promoted", 300, 10).text();
  const std::string second = NodeFile().write("rotated", 200, 4).text();
  MergedTrail trail;
  ASSERT_TRUE(add(trail, first));
  ASSERT_TRUE(add(trail, second));
  EXPECT_EQ(told(std::move(trail).merge(), {first, second}), "rotated:1,0 promoted:0");
}

TEST(MergedTrail, OrdersTheEventsOfOneMomentByTheirPlaces) {
  const std::string file =
      NodeFile().write("third", 100, 2, 0).write("first", 100, 1, 0).write("second", 100, 1, 1).text();
  MergedTrail trail;
  ASSERT_TRUE(add(trail, file));
  EXPECT_EQ(told(std::move(trail).merge(), {file}), "first:0 second:0 third:0");
}

TEST(MergedTrail, NamesTheLineAtWhichAChainBreaksAndKeepsWhatStandsBeforeIt) {
  std::string file = NodeFile().write("created", 100, 1).write("rotated", 200, 2).text();
  file[file.find("created") + 1] = 'x';
  MergedTrail trail;
  const auto state = add(trail, file);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, Code::invalid);
  EXPECT_NE(state.error().message.find("line 2"), std::string::npos) << state.error().message;
  EXPECT_EQ(std::move(trail).merge().size(), 1U);
}

TEST(MergedTrail, DoesNotCountALineThatIsBeingWritten) {
  const std::string file = NodeFile().write("created", 100, 1).write("rotated", 200, 2).text();
  MergedTrail trail;
  const auto state = add(trail, file.substr(0, file.size() - 1));
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_GT(state->torn_bytes, 0U);
  EXPECT_EQ(told(std::move(trail).merge(), {file}), "created:0");
}

TEST(Trail, ALineLongerThanAnyCanBeIsRefusedBeforeItIsHeld) {
  const std::string file(line_bytes_max + 10, 'x');
  MergedTrail trail;
  EXPECT_EQ(add(trail, file).error().code, Code::invalid);
  EXPECT_EQ(add(trail, file + "\n").error().code, Code::invalid);
}

TEST(Trail, AnEmptyFileIsATrailThatHasNotBegun) {
  MergedTrail trail;
  const auto state = add(trail, "");
  ASSERT_TRUE(state);
  EXPECT_EQ(state->chain.lines(), 0U);
}

}  // namespace
}  // namespace shearline::ledger
