// Lanes between two threads.
#include "base/lane.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace shearline {
namespace {

TEST(Lane, GivesBackInOrderWhatWasPushed) {
  Lane<int> lane(4);
  EXPECT_TRUE(lane.is_empty());
  EXPECT_EQ(lane.pop(), std::nullopt);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(lane.push(i));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(lane.pop(), i);
  EXPECT_EQ(lane.pop(), std::nullopt);
}

TEST(Lane, RefusesWhatIsBeyondItsLimit) {
  Lane<int> lane(2);
  EXPECT_TRUE(lane.push(1));
  EXPECT_TRUE(lane.push(2));
  EXPECT_FALSE(lane.push(3));
  EXPECT_EQ(lane.pop(), 1);
  EXPECT_TRUE(lane.push(3));
}

TEST(OwnedLane, LeavesARefusedValueWithItsOwner) {
  OwnedLane<std::string> lane(1);
  auto first = std::make_unique<std::string>("first");
  auto second = std::make_unique<std::string>("second");
  EXPECT_TRUE(lane.push(first));
  EXPECT_EQ(first, nullptr);
  EXPECT_FALSE(lane.push(second));
  EXPECT_EQ(*second, "second");
  EXPECT_EQ(*lane.pop(), "first");
  EXPECT_EQ(lane.pop(), nullptr);
}

TEST(OwnedLane, DestroysWhatWasNeverTaken) {
  const auto counted = std::make_shared<int>(0);
  {
    OwnedLane<std::shared_ptr<int>> lane(4);
    for (int i = 0; i < 3; ++i) {
      auto copy = std::make_unique<std::shared_ptr<int>>(counted);
      lane.push(copy);
    }
    EXPECT_EQ(counted.use_count(), 4);
  }
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(LaneThreads, NothingIsLostDoubledOrReorderedBetweenTwoThreads) {
  constexpr int count = 50'000;
  OwnedLane<int> lane(64);
  std::thread pusher([&] {
    for (int i = 0; i < count; ++i) {
      auto value = std::make_unique<int>(i);
      while (!lane.push(value)) std::this_thread::yield();
    }
  });
  for (int i = 0; i < count;) {
    if (const auto value = lane.pop()) {
      ASSERT_EQ(*value, i++);
    } else {
      std::this_thread::yield();
    }
  }
  pusher.join();
}

}  // namespace
}  // namespace shearline
