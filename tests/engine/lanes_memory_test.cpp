// What the lanes read and what they leave behind: no byte outside a message, and no word of one on the stack.
#include "base/random.hpp"
#include "engine/digest.hpp"
#include "engine/lanes.hpp"
#include "tests/engine/lanes_jobs.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>
#include <set>

namespace shearline::engine::lanes {
namespace {

class EveryKernelsMemory : public testing::TestWithParam<Kernel> {};
INSTANTIATE_TEST_SUITE_P(Lanes, EveryKernelsMemory, testing::ValuesIn(kernels().begin(), kernels().end()),
                         [](const auto& test) { return std::string(name_of(test.param)); });

// Pages between two that nobody may touch.
class FencedPages {
 public:
  explicit FencedPages(std::size_t pages)
      : page_bytes_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))), pages_(pages) {
    void* const all =
        mmap(nullptr, (pages_ + 2) * page_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) throw std::bad_alloc();
    first_ = static_cast<Byte*>(all) + page_bytes_;
    if (mprotect(first_, pages_ * page_bytes_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  }
  ~FencedPages() { munmap(first_ - page_bytes_, (pages_ + 2) * page_bytes_); }
  FencedPages(const FencedPages&) = delete;
  FencedPages& operator=(const FencedPages&) = delete;

  Byte* begin() const { return first_; }
  Byte* end() const { return first_ + pages_ * page_bytes_; }
  ByteSpan bytes() const { return {begin(), end()}; }

 private:
  std::size_t page_bytes_;
  std::size_t pages_;
  Byte* first_ = nullptr;
};

constexpr std::size_t lengths[] = {0,  1,  3,  4,  5,  7,  8,  9,  12, 15, 16,  17,  31,  32,  33,  43,
                                   47, 48, 49, 55, 56, 57, 63, 64, 65, 80, 119, 120, 127, 128, 129, 512};

// Everything of a job lies against a fence: the message begins or ends there, and so do key and digest.
void hash_at_fences(Kernel kernel, std::size_t count, bool at_end) {
  const FencedPages message_pages(1);
  const FencedPages key_pages(1);
  const FencedPages digest_pages(1);
  SeededRandom random(count);
  random.fill(message_pages.bytes());
  std::array<Byte, 32> key{};
  auto* const midstates =
      new (at_end ? key_pages.end() - sizeof(Midstates) : key_pages.begin()) Midstates(hmac_midstates(key));
  std::vector<std::array<Byte, digest_bytes>> others(count);
  for (const std::size_t length : lengths) {
    Byte* const digest = at_end ? digest_pages.end() - digest_bytes : digest_pages.begin();
    const Byte* const message = at_end ? message_pages.end() - length : message_pages.begin();
    std::vector<Job> jobs;
    jobs.reserve(count);
    for (auto& other : others) jobs.push_back({midstates, message, length, other.data()});
    jobs[count / 2].digest = digest;
    hmac(kernel, jobs);
    std::array<Byte, digest_bytes> expected{};
    unsigned written = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message, length, expected.data(), &written);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), digest))
        << count << " jobs of length " << length;
  }
  midstates->~Midstates();
}

TEST_P(EveryKernelsMemory, NothingPastTheEndIsTouchedWhateverTheNumberOfJobs) {
  for (std::size_t count = 1; count <= 64; ++count) hash_at_fences(GetParam(), count, true);
}

TEST_P(EveryKernelsMemory, NothingBeforeTheBeginningIsTouchedWhateverTheNumberOfJobs) {
  for (std::size_t count = 1; count <= 64; ++count) hash_at_fences(GetParam(), count, false);
}

// Runs it on a stack of its own and returns what is on that stack when it is done, before the thread's end can
// write over any of it.
Bytes stack_after(const std::function<void()>& what) {
  struct Run {
    const FencedPages stack{64};
    const std::function<void()>& what;
    Bytes after;
  } run{.what = what, .after = Bytes(run.stack.bytes().size())};
  pthread_attr_t attributes;
  EXPECT_EQ(pthread_attr_init(&attributes), 0);
  EXPECT_EQ(pthread_attr_setstack(&attributes, run.stack.begin(), run.stack.bytes().size()), 0);
  const auto body = [](void* argument) -> void* {
    Run& its = *static_cast<Run*>(argument);
    its.what();
    std::memcpy(its.after.data(), its.stack.begin(), its.after.size());
    return nullptr;
  };
  pthread_t thread = 0;
  EXPECT_EQ(pthread_create(&thread, &attributes, body, &run), 0);
  EXPECT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
  return std::move(run.after);
}

std::size_t words_found(ByteView memory, const std::set<std::uint32_t>& words) {
  std::size_t found = 0;
  for (std::size_t i = 0; i + 4 <= memory.size(); ++i) {
    std::uint32_t word = 0;
    std::memcpy(&word, memory.data() + i, sizeof word);
    if (words.contains(word)) ++found;
  }
  return found;
}

// Every four bytes of a message or digest in both orders, for kernels take words apart and put them into lanes.
std::set<std::uint32_t> words_of(std::span<const Job> jobs) {
  std::set<std::uint32_t> words;
  for (const Job& job : jobs) {
    for (const ByteView bytes :
         {ByteView(job.message, job.message_bytes), ByteView(job.digest, digest_bytes)}) {
      for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
        std::uint32_t word = 0;
        std::memcpy(&word, bytes.data() + i, sizeof word);
        words.insert({word, __builtin_bswap32(word)});
      }
    }
  }
  return words;
}

TEST_P(EveryKernelsMemory, NoWordOfAMessageOrDigestStaysOnTheStack) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
  GTEST_SKIP() << "frames are other ones here";
#endif
  for (const std::size_t count : {1, 2, 3, 8, 15, 16, 31, 32, 64}) {
    for (const std::size_t length : {std::size_t{43}, one_block_message_bytes_max, std::size_t{100}}) {
      LanesJobs jobs(count, count);
      for (std::size_t i = 0; i < count; ++i) jobs.set_length(i, length);
      const Bytes stack = stack_after([&] { hmac(GetParam(), jobs.all()); });
      const std::set<std::uint32_t> words = words_of(jobs.all());
      EXPECT_EQ(words_found(stack, words), 0U) << count << " messages of length " << length;
    }
  }
}

TEST(LanesMemory, TheSearchFindsAMessageThatAFunctionLeftOnItsStack) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "frames are other ones here";
#endif
  LanesJobs jobs(1, 1);
  jobs.set_length(0, 43);
  hmac(jobs.all());
  const std::set<std::uint32_t> words = words_of(jobs.all());
  const Bytes stack = stack_after([&] {
    std::array<Byte, 43> careless;
    std::memcpy(careless.data(), jobs.all()[0].message, careless.size());
    asm volatile("" : : "r"(careless.data()) : "memory");
  });
  EXPECT_GE(words_found(stack, words), 10U);
}

}  // namespace
}  // namespace shearline::engine::lanes
