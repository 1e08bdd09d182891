// The frames of a load test: their bytes, their order, and the share of wrong secrets.
#include "loadgen/script.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace shearline::loadgen {
namespace {

// Takes the bulk strings of one RESP array from the front of `bytes`.
std::vector<std::string> take_frame(std::string_view& bytes) {
  const auto number = [&](char kind) {
    EXPECT_EQ(bytes.front(), kind);
    const std::size_t end = bytes.find("\r\n");
    std::size_t value = 0;
    std::from_chars(bytes.data() + 1, bytes.data() + end, value);
    bytes.remove_prefix(end + 2);
    return value;
  };
  std::vector<std::string> items(number('*'));
  for (std::string& item : items) {
    const std::size_t length = number('$');
    item = bytes.substr(0, length);
    EXPECT_EQ(bytes.substr(length, 2), "\r\n");
    bytes.remove_prefix(length + 2);
  }
  return items;
}

std::map<std::string, std::string> secrets_of(const Population& population) {
  std::map<std::string, std::string> secrets;
  for (std::size_t i = 0; i < population.size(); ++i)
    secrets[population.at(i).client_id] = population.at(i).secret;
  return secrets;
}

TEST(Script, SaysForEveryCheckWhetherItsSecretIsRight) {
  const Population population = Population::generated(100, 3);
  const auto secrets = secrets_of(population);
  const Script script(population, {.kinds = {{Mode::mverify, 32}}, .wrong_share = 0.3, .seed = 5});
  std::string_view bytes = as_text(script.bytes(0, script.frames()));
  for (std::size_t frame = 0; frame < script.frames(); ++frame) {
    const auto items = take_frame(bytes);
    ASSERT_EQ(items.size(), 65U);
    EXPECT_EQ(items[0], "MVERIFY");
    for (std::size_t i = 0; i < 32; ++i) {
      const bool is_right = secrets.at(items[1 + 2 * i]) == items[2 + 2 * i];
      ASSERT_EQ(script.right(frame)[i], is_right ? 1 : 0);
      ASSERT_EQ(items[2 + 2 * i].size(), 43U);
    }
  }
  EXPECT_TRUE(bytes.empty());
}

TEST(Script, HoldsOneVerifyPerFrame) {
  const Population population = Population::generated(10, 3);
  const Script script(population, {.kinds = {{Mode::verify, 256}}, .wrong_share = 0, .seed = 5});
  EXPECT_EQ(script.checks(4), 1U);
  EXPECT_EQ(script.checks_per_frame(), 1.0);
  std::string_view bytes = as_text(script.bytes(4, 5));
  const auto items = take_frame(bytes);
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0], "VERIFY");
  EXPECT_EQ(secrets_of(population).at(items[1]), items[2]);
  EXPECT_TRUE(bytes.empty());
}

TEST(Script, VisitsEveryCredentialBeforeAnyTwice) {
  const Population population = Population::generated(1'000, 3);
  const Script script(population, {.kinds = {{Mode::verify, 1}}, .wrong_share = 0, .seed = 5});
  std::string_view bytes = as_text(script.bytes(0, 1'000));
  std::set<std::string> seen;
  std::vector<std::string> order;
  while (!bytes.empty()) {
    order.push_back(take_frame(bytes)[1]);
    seen.insert(order.back());
  }
  EXPECT_EQ(seen.size(), 1'000U);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
}

TEST(Script, KeepsTheShareOfWrongSecrets) {
  const Population population = Population::generated(50, 3);
  const auto wrong = [&](double share) {
    const Script script(population, {.kinds = {{Mode::mverify, 64}}, .wrong_share = share, .seed = 5});
    std::size_t count = 0;
    for (std::size_t frame = 0; frame < script.frames(); ++frame) {
      count += static_cast<std::size_t>(std::ranges::count(script.right(frame), Byte{0}));
    }
    return static_cast<double>(count) / static_cast<double>(script.frames() * 64);
  };
  EXPECT_EQ(wrong(0), 0.0);
  EXPECT_EQ(wrong(1), 1.0);
  EXPECT_NEAR(wrong(0.25), 0.25, 0.02);
}

TEST(Script, AsksForClientsThatNobodyKnows) {
  const Population population = Population::generated(50, 3);
  const auto secrets = secrets_of(population);
  const Script script(population,
                      {.kinds = {{Mode::verify, 1}}, .wrong_share = 0.2, .unknown_share = 0.3, .seed = 5});
  std::string_view bytes = as_text(script.bytes(0, script.frames()));
  std::size_t unknown = 0;
  for (std::size_t frame = 0; frame < script.frames(); ++frame) {
    const auto items = take_frame(bytes);
    const bool is_known = secrets.contains(items[1]);
    unknown += is_known ? 0 : 1;
    ASSERT_EQ(script.right(frame)[0], is_known && secrets.at(items[1]) == items[2] ? 1 : 0);
    ASSERT_EQ(items[1].size(), 17U);
  }
  EXPECT_NEAR(static_cast<double>(unknown) / static_cast<double>(script.frames()), 0.3, 0.02);
}

TEST(Script, MixesKindsByTheirShares) {
  const Script script(Population::generated(50, 3),
                      {.kinds = {{Mode::verify, 1, 3}, {Mode::mverify, 10, 1}}, .wrong_share = 0, .seed = 5});
  std::size_t single = 0;
  for (std::size_t frame = 0; frame < script.frames(); ++frame) {
    single += script.mode(frame) == Mode::verify ? 1 : 0;
    ASSERT_EQ(script.checks(frame), script.mode(frame) == Mode::verify ? 1U : 10U);
  }
  const auto frames = static_cast<double>(script.frames());
  EXPECT_NEAR(static_cast<double>(single) / frames, 0.75, 0.02);
  EXPECT_NEAR(script.checks_per_frame(), 3.25, 0.2);
}

TEST(Script, ShortensAFrameToItsFirstPairs) {
  const Script script(Population::generated(50, 3),
                      {.kinds = {{Mode::mverify, 8}}, .wrong_share = 0.5, .seed = 5});
  std::string_view whole = as_text(script.bytes(3, 4));
  const auto all = take_frame(whole);
  const std::string shortened = script.shortened(3, 5);
  std::string_view left = shortened;
  const auto some = take_frame(left);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(some, std::vector<std::string>(all.begin(), all.begin() + 11));
}

TEST(Script, IsTheSameForTheSameSeed) {
  const Population population = Population::generated(50, 3);
  const auto text = [&](std::uint64_t seed) {
    const Script script(population, {.kinds = {{Mode::mverify, 8}}, .wrong_share = 0.5, .seed = seed});
    return to_string(script.bytes(0, script.frames()));
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

}  // namespace
}  // namespace shearline::loadgen
