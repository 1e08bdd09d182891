// Random jobs for the lanes, each with its own key, and what OpenSSL says of them.
#pragma once

#include "base/random.hpp"
#include "engine/digest.hpp"
#include "engine/lanes.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <vector>

namespace shearline::engine::lanes {

class LanesJobs {
 public:
  LanesJobs(std::size_t count, std::uint64_t seed)
      : random_(seed), keys_(count), midstates_(count), messages_(count), digests_(count), jobs_(count) {
    renew(one_block_message_bytes_max);
  }

  std::size_t size() const { return jobs_.size(); }
  std::span<const Job> all() const { return jobs_; }

  // New keys and messages of 0 to length_max bytes, none of them aligned; digests that no job wrote.
  void renew(std::size_t length_max) {
    for (std::size_t i = 0; i < size(); ++i) {
      random_.fill(keys_[i]);
      midstates_[i] = hmac_midstates(keys_[i]);
      digests_[i].fill(0);
      set_length(i, random_.next_u64() % (length_max + 1));
    }
  }

  void set_length(std::size_t i, std::size_t bytes) {
    const std::size_t before = i % 7;
    messages_[i].resize(before + bytes);
    messages_[i].shrink_to_fit();
    random_.fill(messages_[i]);
    jobs_[i] = {&midstates_[i], messages_[i].data() + before, bytes, digests_[i].data()};
  }

  bool is_right(std::size_t i) const { return is_right_for(i, i); }
  bool is_right_for(std::size_t i, std::size_t message) const {
    std::array<Byte, digest_bytes> expected{};
    unsigned length = 0;
    HMAC(EVP_sha256(), keys_[i].data(), static_cast<int>(keys_[i].size()), jobs_[message].message,
         jobs_[message].message_bytes, expected.data(), &length);
    return digests_[i] == expected;
  }
  bool is_untouched(std::size_t i) const { return digests_[i] == std::array<Byte, digest_bytes>{}; }

 private:
  SeededRandom random_;
  std::vector<std::array<Byte, 32>> keys_;
  std::vector<Midstates> midstates_;
  std::vector<Bytes> messages_;
  std::vector<std::array<Byte, digest_bytes>> digests_;
  std::vector<Job> jobs_;
};

}  // namespace shearline::engine::lanes
