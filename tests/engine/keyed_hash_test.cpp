#include "engine/keyed_hash.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <array>
#include <memory>

namespace shearline::engine {
namespace {

struct Free {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

std::array<Byte, 16> openssl_siphash_1_3(std::span<const Byte, 16> key, ByteView message) {
  const std::unique_ptr<EVP_MAC, Free> mac(EVP_MAC_fetch(nullptr, "SIPHASH", nullptr));
  const std::unique_ptr<EVP_MAC_CTX, Free> context(EVP_MAC_CTX_new(mac.get()));
  unsigned size = 16;
  unsigned c = 1;
  unsigned d = 3;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size),
                               OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &c),
                               OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &d),
                               OSSL_PARAM_construct_end()};
  std::array<Byte, 16> out{};
  std::size_t written = 0;
  EXPECT_EQ(EVP_MAC_init(context.get(), key.data(), key.size(), params), 1);
  EXPECT_EQ(EVP_MAC_update(context.get(), message.data(), message.size()), 1);
  EXPECT_EQ(EVP_MAC_final(context.get(), out.data(), &written, out.size()), 1);
  EXPECT_EQ(written, out.size());
  return out;
}

std::uint64_t little_endian(const Byte* in) {
  std::uint64_t word = 0;
  for (int i = 7; i >= 0; --i) word = word << 8 | in[i];
  return word;
}

TEST(KeyedHash, AgreesWithOpenSslForEveryLengthUpTo100) {
  SeededRandom random(3);
  for (std::size_t length = 0; length <= 100; ++length) {
    std::array<Byte, 16> key;
    random.fill(key);
    Bytes message(length);
    random.fill(message);
    const KeyedHash hash = KeyedHasher(little_endian(key.data()), little_endian(key.data() + 8))(message);
    const auto expected = openssl_siphash_1_3(key, message);
    EXPECT_EQ(hash.low, little_endian(expected.data())) << length;
    EXPECT_EQ(hash.high, little_endian(expected.data() + 8)) << length;
  }
}

TEST(KeyedHash, TwoProcessesPutOneClientInDifferentPlaces) {
  SeededRandom random(4);
  const KeyedHasher one(random);
  const KeyedHasher other(random);
  EXPECT_FALSE(one(as_bytes("acme-prod")) == other(as_bytes("acme-prod")));
}

}  // namespace
}  // namespace shearline::engine
