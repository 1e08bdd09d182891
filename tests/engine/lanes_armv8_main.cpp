// The ARMv8 kernel against the portable one and a known answer, as a program by itself: lanes_armv8_test.py compiles it
// for ARM together with the lanes and runs it under an emulator. Of base/ only wipe() is stood in for, since it is
// OpenSSL's, which is not there for ARM.
#include "engine/lanes.hpp"

#include <algorithm>
#include <cstdio>
#include <random>
#include <string_view>
#include <vector>

namespace shearline {

void wipe(ByteSpan bytes) {
  for (Byte& byte : bytes) *static_cast<volatile Byte*>(&byte) = 0;
}

namespace engine::lanes {
namespace {

constexpr std::size_t length_max = 512;
constexpr std::size_t count_max = 64;
std::mt19937 random_word(1);

struct Message {
  explicit Message(std::size_t bytes) : bytes_(bytes + 1) {
    for (Byte& byte : bytes_) byte = static_cast<Byte>(random_word());
    for (auto& word : key_.inner) word = static_cast<std::uint32_t>(random_word());
    for (auto& word : key_.outer) word = static_cast<std::uint32_t>(random_word());
  }
  Job job(Byte* digest) const { return {&key_, bytes_.data() + 1, bytes_.size() - 1, digest}; }  // unaligned

 private:
  std::vector<Byte> bytes_;
  Midstates key_;
};

using Digests = std::vector<std::array<Byte, digest_bytes>>;

Digests hashed(Kernel kernel, const std::vector<Message>& messages) {
  Digests digests(messages.size());
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < messages.size(); ++i) jobs.push_back(messages[i].job(digests[i].data()));
  hmac(kernel, jobs);
  return digests;
}

bool agrees(const std::vector<Message>& messages) {
  return hashed(Kernel::armv8, messages) == hashed(Kernel::portable, messages);
}

// RFC 4231 section 4.3, with the key's blocks taken by the kernel's own compress().
bool knows_the_answer() {
  constexpr std::string_view key = "Jefe";
  constexpr std::string_view message = "what do ya want for nothing?";
  constexpr std::string_view answer = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  const auto after = [key](Byte pad) {
    std::array<Byte, block_bytes> block{};
    std::ranges::copy(key, block.begin());
    for (Byte& byte : block) byte ^= pad;
    return after_block(block);
  };
  Midstates midstates;
  midstates.inner = after(0x36);
  midstates.outer = after(0x5c);
  std::array<Byte, digest_bytes> digest{};
  const Job job{&midstates, reinterpret_cast<const Byte*>(message.data()), message.size(), digest.data()};
  hmac({&job, 1});
  std::string text;
  for (const Byte byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text == answer;
}

int compare() {
  if (kernels().front() != Kernel::armv8 || !uses(Kernel::armv8)) {
    std::puts("the ARMv8 kernel is not the one that is used");
    return 1;
  }
  if (!knows_the_answer()) {
    std::puts("RFC 4231 has another answer");
    return 1;
  }
  for (std::size_t length = 0; length <= length_max; ++length) {
    if (agrees({Message(length)})) continue;
    std::printf("the kernels disagree on a message of %zu bytes\n", length);
    return 1;
  }
  for (std::size_t count = 1; count <= count_max; ++count) {
    for (const std::size_t longest : {one_block_message_bytes_max, length_max}) {
      std::vector<Message> messages;
      for (std::size_t i = 0; i < count; ++i) messages.emplace_back(random_word() % (longest + 1));
      if (agrees(messages)) continue;
      std::printf("the kernels disagree on %zu messages\n", count);
      return 1;
    }
  }
  std::printf("armv8 and portable agree on lengths 0 to %zu and counts 1 to %zu\n", length_max, count_max);
  return 0;
}

}  // namespace
}  // namespace engine::lanes
}  // namespace shearline

int main() { return shearline::engine::lanes::compare(); }
