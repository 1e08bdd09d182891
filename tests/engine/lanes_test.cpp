#include "engine/lanes.hpp"

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/random.hpp"
#include "engine/digest.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace shearline::engine::lanes {
namespace {

std::string hmac_of(Kernel kernel, ByteView key, ByteView message) {
  const Midstates midstates = hmac_midstates(key);
  std::array<Byte, digest_bytes> digest{};
  const Job job{&midstates, message.data(), message.size(), digest.data()};
  hmac(kernel, {&job, 1});
  return hex(digest);
}

class EveryKernel : public testing::TestWithParam<Kernel> {};
INSTANTIATE_TEST_SUITE_P(Lanes, EveryKernel, testing::ValuesIn(kernels().begin(), kernels().end()),
                         [](const auto& test) { return std::string(name_of(test.param)); });

TEST_P(EveryKernel, AgreesWithOpenSslForEveryLengthUpTo512) {
  SeededRandom random(1);
  Bytes message(512);
  for (std::size_t length = 0; length <= message.size(); ++length) {
    Bytes key(32);
    random.fill(key);
    random.fill(message);
    const Bytes exact(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(hmac_of(GetParam(), key, exact), hex(hmac_sha256(key, {exact}))) << length;
  }
}

TEST_P(EveryKernel, KeepsManyJobsOfMixedLengthsApart) {
  SeededRandom random(2);
  std::vector<Bytes> keys(100, Bytes(32));
  std::vector<Bytes> messages(keys.size());
  std::vector<Midstates> midstates;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    random.fill(keys[i]);
    messages[i].resize(random.next_u64() % 200);
    random.fill(messages[i]);
    midstates.push_back(hmac_midstates(keys[i]));
  }
  std::vector<std::array<Byte, digest_bytes>> digests(keys.size());
  for (const std::size_t count : {0, 1, 2, 7, 15, 16, 17, 63, 64, 65, 100}) {
    std::vector<Job> jobs;
    for (auto& digest : digests) digest.fill(0);
    for (std::size_t i = 0; i < count; ++i) {
      jobs.push_back({&midstates[i], messages[i].data(), messages[i].size(), digests[i].data()});
    }
    hmac(GetParam(), jobs);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      EXPECT_EQ(hex(digests[i]), i < count ? hex(hmac_sha256(keys[i], {messages[i]})) : std::string(64, '0'));
    }
  }
}

struct Rfc4231Case {
  std::string key;
  std::string data;
  std::string hmac_sha_256;
};
// RFC 4231 sections 4.2 to 4.8; 4.6 compares the first 128 bits.
const Rfc4231Case rfc4231[] = {
    {std::string(20, '\x0b'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {std::string(20, '\xaa'), std::string(50, '\xdd'),
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19",
     std::string(50, '\xcd'), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {std::string(20, '\x0c'), "Test With Truncation", "a3b6167473100ee06e0c796c2955552b"},
    {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {std::string(131, '\xaa'),
     "This is a test using a larger than block-size key and a larger than block-size data. The key needs to "
     "be "
     "hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

TEST_P(EveryKernel, PassesRfc4231) {
  for (const Rfc4231Case& test : rfc4231) {
    const std::string tag = hmac_of(GetParam(), as_bytes(test.key), as_bytes(test.data));
    EXPECT_EQ(tag.substr(0, test.hmac_sha_256.size()), test.hmac_sha_256) << test.data;
  }
}

std::filesystem::path vectors_folder() {
  if (const char* folder = std::getenv("SHEARLINE_VECTORS")) return folder;
  return std::filesystem::path(SHEARLINE_SOURCE_DIR) / ".." / "shared" / "vectors";
}

TEST_P(EveryKernel, PassesWycheproof) {
  const auto path = vectors_folder() / "crypto" / "wycheproof_hmac_sha256_test.json";
  std::ifstream file(path);
  if (!file) GTEST_SKIP() << path << " is not there; SHEARLINE_VECTORS names the folder of test vectors";
  std::size_t cases = 0;
  const nlohmann::json suite = nlohmann::json::parse(file);
  for (const auto& group : suite.at("testGroups")) {
    for (const auto& test : group.at("tests")) {
      const Bytes key = from_hex(test.at("key").get<std::string>()).value();
      const Bytes message = from_hex(test.at("msg").get<std::string>()).value();
      const auto tag = test.at("tag").get<std::string>();
      const bool fits = hmac_of(GetParam(), key, message).substr(0, tag.size()) == tag;
      EXPECT_EQ(fits, test.at("result") == "valid") << "tcId " << test.at("tcId");
      ++cases;
    }
  }
  EXPECT_GE(cases, 174U);
}

TEST(Lanes, BestKernelIsTheOneUsed) {
  const Midstates midstates = hmac_midstates(as_bytes("key"));
  std::array<Byte, digest_bytes> digest{};
  const ByteView message = as_bytes("message");
  const Job job{&midstates, message.data(), message.size(), digest.data()};
  hmac({&job, 1});
  EXPECT_EQ(hex(digest), hmac_of(kernels().front(), as_bytes("key"), as_bytes("message")));
}

TEST(Lanes, PortableKernelIsAlwaysThere) { EXPECT_EQ(kernels().back(), Kernel::portable); }

}  // namespace
}  // namespace shearline::engine::lanes
