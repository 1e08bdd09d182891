// Who may listen where, and what is said to who may not.
#include "loop_fixture.hpp"

#include <sys/stat.h>

#include <array>
#include <barrier>
#include <fstream>
#include <thread>

namespace shearline::loop::test {
namespace {

template <class T>
void expect_refusal(const Result<T>& refused, Code code, const Address& address, std::string_view why) {
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, code);
  EXPECT_NE(refused.error().message.find(address.text()), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find(why), std::string::npos) << refused.error().message;
}

TEST(Listener, SecondOneOnThePortIsRefusedAndToldSo) {
  const int first = listen_on(parse_address("127.0.0.1:0").value(), 8).value();
  const Address address = local_address(first).value();
  EXPECT_NE(address.port, 0);
  expect_refusal(listen_on(address, 8), Code::conflict, address, "in use by another program");
  ::close(first);
  const auto again = listen_on(address, 8);
  ASSERT_TRUE(again) << again.error().message;
  ::close(*again);
}

TEST(Listener, AskingWhetherItMayListenTakesThePortFromNobody) {
  const int first = listen_on(parse_address("127.0.0.1:0").value(), 8).value();
  const Address address = local_address(first).value();
  expect_refusal(may_listen_on(address), Code::conflict, address, "in use by another program");
  ::close(first);
  EXPECT_TRUE(may_listen_on(address));
  const auto again = listen_on(address, 8);
  ASSERT_TRUE(again) << again.error().message;
  ::close(*again);
}

TEST(Listener, AnAddressOfAnotherMachineIsRefused) {
  const Address address = parse_address("192.0.2.1:7000").value();
  expect_refusal(may_listen_on(address), Code::invalid, address, "no such address");
  expect_refusal(listen_on(address, 8), Code::invalid, address, "no such address");
}

TEST(Listener, EachConfiguredAddressStandsForItself) {
  const auto v6 = listen_on(parse_address("[::]:0").value(), 8);
  if (!v6) GTEST_SKIP() << "no IPv6 here: " << v6.error().message;
  const auto v4 = listen_on({.host = "0.0.0.0", .port = local_address(*v6).value().port, .unix_path = {}}, 8);
  ASSERT_TRUE(v4) << v4.error().message;
  ::close(*v4);
  ::close(*v6);
}

class UnixListener : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  Address address_ = parse_address("unix:" + folder_.file("s.sock")).value();
};

TEST_F(UnixListener, SecondOneIsRefusedWhileTheFirstListens) {
  const int first = listen_on(address_, 8).value();
  expect_refusal(listen_on(address_, 8), Code::conflict, address_, "listens there");
  expect_refusal(may_listen_on(address_), Code::conflict, address_, "listens there");
  ::close(first);
}

TEST_F(UnixListener, AskingWhetherItMayListenLeavesAStaleSocketFileAndMakesNone) {
  EXPECT_TRUE(may_listen_on(address_));
  EXPECT_FALSE(std::filesystem::exists(address_.unix_path));
  ::close(listen_on(address_, 8).value());
  EXPECT_TRUE(may_listen_on(address_));
  EXPECT_TRUE(std::filesystem::exists(address_.unix_path));
}

TEST_F(UnixListener, StaleSocketFileIsReplaced) {
  ::close(listen_on(address_, 8).value());
  ASSERT_TRUE(std::filesystem::exists(address_.unix_path));
  const auto again = listen_on(address_, 8);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(local_address(*again).value(), address_);
  ::close(*again);
}

TEST_F(UnixListener, OfTwoThatStartAtOnceOverAStaleSocketExactlyOneListens) {
  for (int round = 0; round < 20; ++round) {
    ::close(listen_on(address_, 8).value());
    std::array<Result<int>, 2> results{-1, -1};
    std::barrier start(2);
    std::array<std::thread, 2> engines;
    for (std::size_t i = 0; i < 2; ++i)
      engines[i] = std::thread([&, i] {
        start.arrive_and_wait();
        results[i] = listen_on(address_, 8);
      });
    for (auto& engine : engines) engine.join();
    EXPECT_NE(results[0].has_value(), results[1].has_value());
    for (const auto& result : results)
      if (result) ::close(*result);
  }
}

TEST_F(UnixListener, FileThatIsNoSocketIsLeftAlone) {
  std::ofstream(address_.unix_path) << "precious";
  expect_refusal(listen_on(address_, 8), Code::invalid, address_, "not touched");
  expect_refusal(may_listen_on(address_), Code::invalid, address_, "not touched");
  std::string text;
  std::ifstream(address_.unix_path) >> text;
  EXPECT_EQ(text, "precious");
}

TEST_F(UnixListener, MissingFolderIsNamed) {
  const Address address = parse_address("unix:" + folder_.file("no/s.sock")).value();
  expect_refusal(listen_on(address, 8), Code::invalid, address, "folder does not exist");
  expect_refusal(may_listen_on(address), Code::invalid, address, "folder does not exist");
}

}  // namespace
}  // namespace shearline::loop::test
