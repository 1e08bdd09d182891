// What a node remembers of the store between two lives.
#include "actors/counter_memory.hpp"

#include "tests/actors/control_plane.hpp"

#include <gtest/gtest.h>

namespace shearline::actors::test {
namespace {

class CounterMemoryFile : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  std::string path = folder.file("counters");
};

TEST_F(CounterMemoryFile, SurvivesTheProcess) {
  CounterMemory first(path);
  ASSERT_TRUE(first.read());
  first.note(3, 17);
  ASSERT_TRUE(first.write());
  CounterMemory next(path);
  ASSERT_TRUE(next.read());
  EXPECT_EQ(next.floor(3), 17U);
  EXPECT_EQ(next.floor(4), 0U);
}

TEST_F(CounterMemoryFile, TheFloorOnlyRisesUnlessItIsLowered) {
  CounterMemory memory(path);
  memory.note(3, 17);
  memory.note(3, 5);
  EXPECT_EQ(memory.floor(3), 17U);
  memory.lower(3, 20);
  EXPECT_EQ(memory.floor(3), 17U);
  memory.lower(3, 5);
  EXPECT_EQ(memory.floor(3), 5U);
}

TEST_F(CounterMemoryFile, AFileThatIsNotOursIsRefusedByName) {
  for (const char* content :
       {"", "1\n2\n", "x\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17"}) {
    std::ofstream(path) << content;
    CounterMemory memory(path);
    const Status read = memory.read();
    ASSERT_FALSE(read) << content;
    EXPECT_NE(read.error().message.find(path), std::string::npos);
  }
}

}  // namespace
}  // namespace shearline::actors::test
