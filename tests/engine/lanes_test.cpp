#include "engine/lanes.hpp"

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/random.hpp"
#include "engine/digest.hpp"
#include "engine/lanes_plan.hpp"
#include "tests/engine/lanes_jobs.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
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
  constexpr std::size_t length_max = 512;
  LanesJobs jobs(length_max + 1, 1);
  for (std::size_t i = 0; i < jobs.size(); ++i) jobs.set_length(i, i);
  hmac(GetParam(), jobs.all());
  for (std::size_t i = 0; i < jobs.size(); ++i) EXPECT_TRUE(jobs.is_right(i)) << "length " << i;
}

TEST_P(EveryKernel, AgreesWithOpenSslForEveryLengthAlone) {
  LanesJobs jobs(513, 2);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs.set_length(i, i);
    hmac(GetParam(), jobs.all().subspan(i, 1));
    EXPECT_TRUE(jobs.is_right(i)) << "length " << i;
  }
}

TEST_P(EveryKernel, FillsEveryNumberOfLanesAndTouchesNoOtherJob) {
  LanesJobs jobs(128, 3);
  for (std::size_t count = 0; count <= 64; ++count) {
    for (const std::size_t length_max : {one_block_message_bytes_max, std::size_t{300}}) {
      jobs.renew(length_max);
      hmac(GetParam(), jobs.all().first(count));
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        ASSERT_TRUE(i < count ? jobs.is_right(i) : jobs.is_untouched(i)) << "job " << i << " of " << count;
      }
    }
  }
}

TEST_P(EveryKernel, LongMessagesAmongShortOnesDisturbNone) {
  LanesJobs jobs(200, 4);
  for (std::size_t every = 1; every <= 17; ++every) {
    jobs.renew(one_block_message_bytes_max);
    for (std::size_t i = 0; i < jobs.size(); i += every) jobs.set_length(i, 56 + 7 * (i % 65));
    hmac(GetParam(), jobs.all());
    for (std::size_t i = 0; i < jobs.size(); ++i) ASSERT_TRUE(jobs.is_right(i)) << i << ", every " << every;
  }
}

// Fewer where a sanitizer or the lack of optimization makes each case slow.
#if defined(__OPTIMIZE__) && defined(NDEBUG)
constexpr std::size_t random_cases = 1'000'000;
#else
constexpr std::size_t random_cases = 20'000;
#endif

TEST_P(EveryKernel, AgreesWithOpenSslOnRandomBatches) {
  SeededRandom random(5);
  LanesJobs jobs(256, 6);
  std::size_t cases = 0;
  while (cases < random_cases) {
    // Three batches in four are of secrets' usual lengths, the path that matters most.
    jobs.renew(random.next_u64() % 4 > 0 ? one_block_message_bytes_max : 512);
    const std::size_t count = 1 + random.next_u64() % jobs.size();
    hmac(GetParam(), jobs.all().first(count));
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(jobs.is_right(i)) << "case " << cases + i;
    cases += count;
  }
}

TEST_P(EveryKernel, HashesOneMessageForManyKeysAndManyMessagesForOne) {
  LanesJobs jobs(40, 7);
  jobs.renew(one_block_message_bytes_max);
  std::vector<Job> shared(jobs.all().begin(), jobs.all().end());
  for (Job& job : shared) {
    job.message = jobs.all()[3].message;
    job.message_bytes = jobs.all()[3].message_bytes;
  }
  hmac(GetParam(), shared);
  for (std::size_t i = 0; i < jobs.size(); ++i) EXPECT_TRUE(jobs.is_right_for(i, 3));
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
  if (!file &&
      (std::getenv("SHEARLINE_VECTORS") != nullptr || std::filesystem::is_directory(vectors_folder())))
    FAIL() << "no " << path;
  if (!file) {
    GTEST_SKIP() << "no " << path.filename().string() << " in " << vectors_folder().string()
                 << "; set SHEARLINE_VECTORS to the folder that has it";
  }
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

TEST(Lanes, AgreeWithOpenSslForEveryNumberOfJobs) {
  LanesJobs jobs(300, 8);
  for (std::size_t count = 0; count <= jobs.size(); ++count) {
    jobs.renew(count % 3 == 0 ? 100 : one_block_message_bytes_max);
    hmac(jobs.all().first(count));
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      ASSERT_TRUE(i < count ? jobs.is_right(i) : jobs.is_untouched(i)) << "job " << i << " of " << count;
    }
  }
}

// What processors with less than this one would do.
TEST(Lanes, AgreeWithOpenSslOnEveryPlanWhoseKernelsAreHere) {
  LanesJobs jobs(100, 10);
  for (unsigned bits = 0; bits < 16; ++bits) {
    const Plan plan = plan_of({(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0});
    const auto is_here = [](Kernel kernel) { return std::ranges::count(kernels(), kernel) == 1; };
    if (!is_here(plan.many) || !is_here(plan.few)) continue;
    for (std::size_t count = 0; count <= jobs.size(); ++count) {
      jobs.renew(count % 3 == 0 ? 100 : one_block_message_bytes_max);
      hmac(plan, jobs.all().first(count));
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        ASSERT_TRUE(i < count ? jobs.is_right(i) : jobs.is_untouched(i))
            << "job " << i << " of " << count << " on " << name_of(plan.many) << " and " << name_of(plan.few);
      }
    }
  }
}

TEST(Lanes, PortableKernelIsAlwaysThere) { EXPECT_EQ(kernels().back(), Kernel::portable); }

TEST(Lanes, UseTheFastestKernel) { EXPECT_TRUE(forced_kernel() || uses(kernels().front())); }

TEST(Lanes, EachKernelIsFoundByItsName) {
  for (const Kernel kernel : kernels()) EXPECT_EQ(kernel_named(name_of(kernel)).value(), kernel);
}

// Each runs this test anew in a process of its own, which reads the variable for the first time.
class LanesVariableDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(LanesVariableDeathTest, ForcesOneKernelForEveryNumberOfJobs) {
  for (const Kernel kernel : kernels()) {
    const auto forced_is_used = [kernel] {
      setenv(kernel_variable, std::string(name_of(kernel)).c_str(), 1);
      LanesJobs jobs(100, 9);
      jobs.renew(100);
      hmac(jobs.all());
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        if (!jobs.is_right(i)) std::exit(1);
      }
      for (const Kernel each : kernels()) {
        if (uses(each) != (each == kernel)) std::exit(1);
      }
      std::exit(forced_kernel() == kernel ? 0 : 1);
    };
    EXPECT_EXIT(forced_is_used(), testing::ExitedWithCode(0), "") << name_of(kernel);
  }
}

TEST_F(LanesVariableDeathTest, WithAnUnknownNameSaysWhatThereIs) {
  const auto message_names_the_kernels = [] {
    setenv(kernel_variable, "sse9", 1);
    try {
      hmac({});
    } catch (const std::invalid_argument& error) {
      std::exit(std::string(error.what()).find("portable") != std::string::npos ? 0 : 1);
    }
    std::exit(1);
  };
  EXPECT_EXIT(message_names_the_kernels(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace shearline::engine::lanes
