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
#include <numeric>
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

constexpr std::size_t length_max = 512;
constexpr std::size_t jobs_max = 64;
// Where the kernels' groups are full, and one job more.
constexpr std::size_t full_counts[] = {1, 2, 8, 9, 16, 17, 32, 33, jobs_max};

enum class Side : std::uint8_t { end, beginning };

// Jobs with everything against a fence: each message ends or begins there, and so do the row of all keys and the row of
// all digests.
class JobsAtFences {
 public:
  explicit JobsAtFences(Side side) : side_(side), expected_(jobs_max) {
    SeededRandom random(7);
    random.fill(messages_.bytes());
    for (std::size_t key = 0; key < jobs_max; ++key) {
      std::array<Byte, 32> secret{};
      random.fill(secret);
      new (midstates(key)) Midstates(hmac_midstates(secret));
      for (std::size_t length = 0; length <= length_max; ++length) {
        unsigned written = 0;
        HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), message(length), length,
             expected_[key][length].data(), &written);
      }
    }
  }
  ~JobsAtFences() {
    for (std::size_t key = 0; key < jobs_max; ++key) midstates(key)->~Midstates();
  }
  JobsAtFences(const JobsAtFences&) = delete;
  JobsAtFences& operator=(const JobsAtFences&) = delete;

  // Hashes `count` messages, of length_of(job) bytes each. `first` shifts which of them has key and digest at the fence
  // itself.
  template <class LengthOf>
  void hash(Kernel kernel, std::size_t count, std::size_t first, LengthOf length_of) {
    std::ranges::fill(digests_.bytes(), Byte{0});
    jobs_.clear();
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t place = (i + first) % count;
      const std::size_t length = length_of(i);
      jobs_.push_back({midstates(place), message(length), length, digest(place)});
    }
    hmac(kernel, jobs_);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t place = (i + first) % count;
      const std::size_t length = jobs_[i].message_bytes;
      if (!std::ranges::equal(expected_[place][length], ByteView(digest(place), digest_bytes)))
        ADD_FAILURE() << "job " << i << " of " << count << ", " << length << " bytes";
    }
  }

 private:
  static_assert(jobs_max * sizeof(Midstates) <= 4096 && jobs_max * digest_bytes <= 4096, "a page each");

  Byte* at_fence(const FencedPages& pages, std::size_t index, std::size_t bytes) const {
    return side_ == Side::end ? pages.end() - (index + 1) * bytes : pages.begin() + index * bytes;
  }
  Midstates* midstates(std::size_t key) const {
    return std::launder(reinterpret_cast<Midstates*>(at_fence(keys_, key, sizeof(Midstates))));
  }
  Byte* digest(std::size_t place) const { return at_fence(digests_, place, digest_bytes); }
  const Byte* message(std::size_t length) const { return at_fence(messages_, 0, length); }

  const Side side_;
  const FencedPages messages_{1};
  const FencedPages keys_{1};
  const FencedPages digests_{1};
  std::vector<std::array<std::array<Byte, digest_bytes>, length_max + 1>> expected_;  // by key and length
  std::vector<Job> jobs_;
};

void hash_messages_of_one_length(Kernel kernel, Side side) {
  JobsAtFences jobs(side);
  for (const std::size_t count : full_counts) {
    for (std::size_t length = 0; length <= length_max; ++length)
      jobs.hash(kernel, count, length, [length](std::size_t) { return length; });
  }
}

// No two of a call are as long, and each job has every length once; every ninth at the counts between.
void hash_messages_of_many_lengths(Kernel kernel, Side side) {
  constexpr std::size_t step = 37;
  static_assert(std::gcd(step, length_max + 1) == 1);
  JobsAtFences jobs(side);
  for (std::size_t count = 1; count <= jobs_max; ++count) {
    const std::size_t stride = std::ranges::find(full_counts, count) != std::end(full_counts) ? 1 : 9;
    for (std::size_t first = 0; first <= length_max; first += stride)
      jobs.hash(kernel, count, first,
                [first](std::size_t i) { return (first + i * step) % (length_max + 1); });
  }
}

TEST_P(EveryKernelsMemory, NothingPastTheEndIsTouchedByMessagesOfOneLength) {
  hash_messages_of_one_length(GetParam(), Side::end);
}

TEST_P(EveryKernelsMemory, NothingPastTheEndIsTouchedByMessagesOfManyLengths) {
  hash_messages_of_many_lengths(GetParam(), Side::end);
}

TEST_P(EveryKernelsMemory, NothingBeforeTheBeginningIsTouchedByMessagesOfOneLength) {
  hash_messages_of_one_length(GetParam(), Side::beginning);
}

TEST_P(EveryKernelsMemory, NothingBeforeTheBeginningIsTouchedByMessagesOfManyLengths) {
  hash_messages_of_many_lengths(GetParam(), Side::beginning);
}

TEST(FencedPagesDeathTest, AByteBeyondAFenceCannotBeRead) {
  const FencedPages pages(1);
  const auto read = [](const Byte* at) {
    [[maybe_unused]] const Byte byte = *static_cast<const volatile Byte*>(at);
  };
  read(pages.begin());
  read(pages.end() - 1);
  EXPECT_DEATH(read(pages.begin() - 1), "");
  EXPECT_DEATH(read(pages.end()), "");
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
