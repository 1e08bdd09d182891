#include "engine/client_ids.hpp"

#include "engine/api_key.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace shearline::engine::client_ids {
namespace {

// Bytes whose last one is the last of a page, with nothing readable behind it.
class PageEnd {
 public:
  PageEnd() : page_bytes_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    mapping_ = static_cast<Byte*>(
        mmap(nullptr, 2 * page_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(mapping_ + page_bytes_, page_bytes_, PROT_NONE);
  }
  ~PageEnd() { munmap(mapping_, 2 * page_bytes_); }
  PageEnd(const PageEnd&) = delete;
  PageEnd& operator=(const PageEnd&) = delete;

  ByteView put(ByteView text) {
    Byte* begin = mapping_ + page_bytes_ - text.size();
    std::ranges::copy(text, begin);
    return {begin, text.size()};
  }

 private:
  std::size_t page_bytes_;
  Byte* mapping_;
};

Bytes random_id(Random& random, std::size_t bytes) {
  static constexpr std::string_view sound = "abcxyzABCXYZ0189._~-";
  Bytes id(bytes);
  for (Byte& c : id) c = static_cast<Byte>(sound[random.next_u64() % sound.size()]);
  // Half of them with one byte that may be anything.
  if (!id.empty() && random.next_u64() % 2 == 0)
    id[random.next_u64() % id.size()] = static_cast<Byte>(random.next_u64());
  return id;
}

class ClientIds : public ::testing::Test {
 protected:
  // Each id as the hasher and the rule for one see it.
  void expect_as_one_by_one(std::span<const ByteView> ids) {
    std::vector<KeyedHash> hashes(ids.size());
    const std::uint64_t sound = examine(hasher, ids, hashes.data());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      ASSERT_EQ((sound >> i & 1) != 0, is_client_id(ids[i])) << i << " of " << ids.size();
      ASSERT_TRUE(hashes[i] == hasher(ids[i].first(std::min(ids[i].size(), client_id_bytes_max))))
          << i << " of " << ids.size() << ", " << ids[i].size() << " bytes";
    }
  }

  SeededRandom random{11};
  KeyedHasher hasher{random};
};

TEST_F(ClientIds, OfAllLengthsSideBySideAreSeenAsOneByOne) {
  for (int round = 0; round < 2'000; ++round) {
    std::vector<Bytes> texts(random.next_u64() % 65);
    for (Bytes& text : texts) text = random_id(random, random.next_u64() % (client_id_bytes_max + 8));
    expect_as_one_by_one(std::vector<ByteView>(texts.begin(), texts.end()));
  }
}

TEST_F(ClientIds, OfOneLengthAreSeenAsOneByOne) {
  for (std::size_t length = 0; length <= client_id_bytes_max + 1; ++length) {
    std::vector<Bytes> texts(24);
    for (Bytes& text : texts) text = random_id(random, length);
    expect_as_one_by_one(std::vector<ByteView>(texts.begin(), texts.end()));
  }
}

TEST_F(ClientIds, NothingBehindAnIdIsRead) {
  std::vector<PageEnd> pages(16);
  for (std::size_t length = 1; length <= client_id_bytes_max; ++length) {
    std::vector<ByteView> ids;
    for (PageEnd& page : pages) ids.push_back(page.put(random_id(random, length)));
    expect_as_one_by_one(ids);
  }
}

}  // namespace
}  // namespace shearline::engine::client_ids
