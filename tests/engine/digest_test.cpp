#include "engine/digest.hpp"

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "engine/api_key.hpp"
#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

#include <string>

namespace shearline::engine {
namespace {

struct Vector {
  bool counting_pepper;  // else 32 zero bytes
  std::string client_id;
  std::string secret;
  std::string digest;
};
// The table of security.md "Verification digest".
const Vector vectors[] = {
    {false, "acme-prod", "003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf",
     "17e290c2a357330b38fa217a5d4ddcc9c2a901717917e8b10ae84aa541eec6a6"},
    {true, "payments.eu", "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1",
     "7bc01413bc42b3653abc4ee17da18e77a558e4251dc198601f66884d16545dd4"},
    {true, "a", std::string(43, '0'), "c521e639200a7c888338784612d6240172353d9d26ebfcdad52383f38f078bff"},
    {true, "legacy", std::string(16, 'x'),
     "b62c13a5fdef2d06594cce09a4e272ba434319d07d419d991889ad0786944164"},
    {true, "legacy", std::string(55, 'x'),
     "b2a13da65622d078f56a9f26978114486bafcc0eeb98063d75086b237d1c5278"},
    {true, "legacy", std::string(56, 'x'),
     "20070cbf3d23fb59ec2a2a9c6349a1d57762ed8342146772b24bcadb68346e8d"},
    {true, "legacy", std::string(100, 'x'),
     "23c8b5919f9210185b8038733551b5fa71e93230efcf96eef1701767c4b50cc7"},
};

class DigestVectors : public testing::TestWithParam<Vector> {};

TEST_P(DigestVectors, AgreeWithTheDesign) {
  const Vector& vector = GetParam();
  const Key pepper = vector.counting_pepper ? pepper_of_counting() : pepper_of_zeros();
  const Digest digest = digest_of(pepper, vector.client_id, as_bytes(vector.secret));
  EXPECT_EQ(hex(digest.reveal()), vector.digest);
}

TEST_P(DigestVectors, AgreeWhenMidstatesAreKept) {
  const Vector& vector = GetParam();
  const Key pepper = vector.counting_pepper ? pepper_of_counting() : pepper_of_zeros();
  const Midstates midstates = derive_midstates(pepper, vector.client_id);
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(hex(digest_of(midstates, as_bytes(vector.secret)).reveal()), vector.digest);
  }
}

INSTANTIATE_TEST_SUITE_P(SecurityMd, DigestVectors, testing::ValuesIn(vectors));

TEST(Digest, WholeSecretCountsWhateverItsLength) {
  const Key pepper = pepper_of_counting();
  const std::string secret(512, 'x');
  const Digest whole = digest_of(pepper, "legacy", as_bytes(secret));
  const Digest cut = digest_of(pepper, "legacy", as_bytes(secret).first(511));
  EXPECT_FALSE(equal_in_constant_time(whole.reveal(), cut.reveal()));
}

TEST(Digest, OneSecretOfTwoClientsHasTwoDigests) {
  const Key pepper = pepper_of_counting();
  EXPECT_FALSE(equal_in_constant_time(digest_of(pepper, "a", as_bytes("secret")).reveal(),
                                      digest_of(pepper, "b", as_bytes("secret")).reveal()));
}

// Ids of every length, because the longest no longer fit one block behind their label.
TEST(Midstates, OfManyClientsSideBySideAreThoseOfEachAlone) {
  const Midstates pepper = hmac_midstates(pepper_of_counting().reveal());
  for (std::size_t first = 1; first + derived_together_max <= client_id_bytes_max + 1; ++first) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{7}, derived_together_max}) {
      std::vector<std::string> ids;
      for (std::size_t i = 0; i < count; ++i) ids.emplace_back(first + i, static_cast<char>('a' + i % 26));
      const std::vector<std::string_view> views(ids.begin(), ids.end());
      std::vector<Midstates> derived(count);
      std::vector<Midstates*> out;
      for (Midstates& each : derived) out.push_back(&each);
      derive_midstates(pepper, views, out);
      for (std::size_t i = 0; i < count; ++i) {
        const Hash key = hmac_sha256(pepper_of_counting().reveal(),
                                     {as_bytes("shearline v1 credential"), Bytes(1), as_bytes(ids[i])});
        const Midstates expected = hmac_midstates(key);
        ASSERT_EQ(derived[i].inner, expected.inner) << ids[i];
        ASSERT_EQ(derived[i].outer, expected.outer) << ids[i];
      }
    }
  }
}

TEST(Fingerprint, FindsTheSameSecretWhoeverHasIt) {
  const Key pepper = pepper_of_counting();
  EXPECT_EQ(secret_fingerprint(pepper, as_bytes("secret")), secret_fingerprint(pepper, as_bytes("secret")));
  EXPECT_NE(secret_fingerprint(pepper, as_bytes("secret")), secret_fingerprint(pepper, as_bytes("Secret")));
  EXPECT_NE(secret_fingerprint(pepper, as_bytes("secret")),
            secret_fingerprint(pepper_of_zeros(), as_bytes("secret")));
}

TEST(ForeignKeyLookup, IsTheFirstHalfOfAnHmacUnderADerivedKey) {
  const Key lookup_key = derive_lookup_key(pepper_of_counting());
  const Digest whole = digest_of(hmac_midstates(lookup_key.reveal()), as_bytes("sk_live_51Hxyz"));
  const auto lookup = foreign_key_lookup(lookup_key, as_bytes("sk_live_51Hxyz"));
  EXPECT_TRUE(equal(lookup, whole.reveal().first(16)));
  EXPECT_FALSE(equal_in_constant_time(lookup_key.reveal(), pepper_of_counting().reveal()));
}

}  // namespace
}  // namespace shearline::engine
