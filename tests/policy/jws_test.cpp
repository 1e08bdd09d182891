// JWS: the vectors of RFC 8037 and what hostile senders try.
#include "policy/jws.hpp"

#include "base/encoding.hpp"

#include <gtest/gtest.h>

namespace shearline::policy {
namespace {

// RFC 8037 appendix A.1, A.2, A.4.
constexpr std::string_view rfc8037_seed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
constexpr std::string_view rfc8037_public = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
constexpr std::string_view rfc8037_signing_input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
constexpr std::string_view rfc8037_signature =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

Key test_seed() { return Key::copy_of(*from_base64url(rfc8037_seed)); }

std::string compact_of(std::string_view header, std::string_view claims) {
  std::string compact = base64url(as_bytes(header)) + '.' + base64url(as_bytes(claims));
  const Signature signature = ed25519_sign(test_seed(), as_bytes(compact));
  return compact + '.' + base64url(signature);
}
std::string with_claims(std::string_view claims) {
  return sign_jws(claims, command_type, "alice", test_seed());
}
std::string refusal(std::string_view compact) {
  const auto parsed = parse_jws(compact, command_type);
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().code, Code::invalid);
  return parsed.error().message;
}
std::string nested(int levels) {
  std::string text = R"({"a":)";
  for (int i = 1; i < levels; ++i) text += '[';
  for (int i = 1; i < levels; ++i) text += ']';
  return text + '}';
}

TEST(Jws, SignsAsRfc8037AppendixA4) {
  EXPECT_EQ(base64url(ed25519_public(test_seed())), rfc8037_public);
  EXPECT_EQ(base64url(ed25519_sign(test_seed(), as_bytes(rfc8037_signing_input))), rfc8037_signature);
}

TEST(Jws, VerifiesAsRfc8037AppendixA5) {
  UnverifiedJws jws;
  jws.signing_input = rfc8037_signing_input;
  const Bytes signature = *from_base64url(rfc8037_signature);
  std::copy(signature.begin(), signature.end(), jws.signature.begin());
  PublicKey key = ed25519_public(test_seed());
  EXPECT_TRUE(verify_jws(jws, key));
  jws.signing_input.back() = 'd';
  EXPECT_FALSE(verify_jws(jws, key));
}

TEST(Jws, ComesBackAsItWasSigned) {
  const auto parsed = parse_jws(with_claims(R"({"cmd":"rotate"})"), command_type);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->kid, "alice");
  EXPECT_EQ(parsed->claims_json, R"({"cmd":"rotate"})");
  EXPECT_TRUE(verify_jws(*parsed, ed25519_public(test_seed())));
}

TEST(Jws, AnotherKeyDoesNotVerify) {
  const auto parsed = parse_jws(with_claims("{}"), command_type);
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(verify_jws(*parsed, ed25519_public(Key::of_size(32))));
}

TEST(Jws, AnyChangedCharacterIsNoticed) {
  const std::string good = with_claims(R"({"cmd":"rotate"})");
  const PublicKey key = ed25519_public(test_seed());
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = bad[at] == 'A' ? 'B' : 'A';
    const auto parsed = parse_jws(bad, command_type);
    EXPECT_FALSE(parsed && verify_jws(*parsed, key)) << "changed at " << at;
  }
}

TEST(Jws, EveryTruncationIsRefused) {
  const std::string good = with_claims(R"({"cmd":"rotate"})");
  const PublicKey key = ed25519_public(test_seed());
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto parsed = parse_jws(std::string_view(good).substr(0, size), command_type);
    EXPECT_FALSE(parsed && verify_jws(*parsed, key)) << "cut at " << size;
  }
}

TEST(Jws, OnlyEdDsaIsAnAlgorithm) {
  for (const char* alg : {"none", "HS256", "RS256", "ES256", "eddsa", "Ed25519", ""}) {
    const std::string header =
        R"({"alg":")" + std::string(alg) + R"(","typ":"shearline-command+jwt","kid":"alice"})";
    EXPECT_NE(refusal(compact_of(header, "{}")).find("EdDSA"), std::string::npos) << alg;
  }
  EXPECT_NE(refusal(compact_of(R"({"typ":"shearline-command+jwt","kid":"alice"})", "{}")).find("EdDSA"),
            std::string::npos);
  EXPECT_NE(
      refusal(compact_of(R"({"alg":["EdDSA"],"typ":"shearline-command+jwt","kid":"a"})", "{}")).find("EdDSA"),
      std::string::npos);
}

TEST(Jws, UnsignedIsRefused) {
  const std::string good = with_claims("{}");
  const std::string unsigned_jws = good.substr(0, good.rfind('.') + 1);
  EXPECT_NE(refusal(unsigned_jws).find("64 bytes"), std::string::npos);
}

TEST(Jws, AReplyIsNotACommand) {
  const std::string reply = sign_jws("{}", reply_type, "engine", test_seed());
  EXPECT_NE(refusal(reply).find("typ"), std::string::npos);
  EXPECT_TRUE(parse_jws(reply, reply_type));
}

TEST(Jws, CriticalExtensionsAreRefused) {
  EXPECT_NE(
      refusal(
          compact_of(R"({"alg":"EdDSA","typ":"shearline-command+jwt","kid":"a","crit":["b64"],"b64":false})",
                     "{}"))
          .find("crit"),
      std::string::npos);
}

TEST(Jws, KeysInTheHeaderMeanNothing) {
  const std::string compact = compact_of(
      R"({"alg":"EdDSA","typ":"shearline-command+jwt","kid":"a","jwk":{"kty":"OKP"},"jku":"https://x.example"})",
      "{}");
  const auto parsed = parse_jws(compact, command_type);
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(verify_jws(*parsed, ed25519_public(Key::of_size(32))));
}

TEST(Jws, NamesTwiceAreRefusedWhereverTheyStand) {
  EXPECT_NE(refusal(with_claims(R"({"cmd":"status","cmd":"revoke"})")).find("twice"), std::string::npos);
  EXPECT_NE(refusal(with_claims(R"({"params":{"a":[{"b":1,"b":2}]}})")).find("twice"), std::string::npos);
  EXPECT_NE(
      refusal(compact_of(R"({"alg":"none","alg":"EdDSA","typ":"shearline-command+jwt","kid":"a"})", "{}"))
          .find("twice"),
      std::string::npos);
  EXPECT_EQ(refusal(with_claims(R"({"a":{"x":1},"b":{"x":1}})")), "accepted");
}

TEST(Jws, DepthEightIsReadAndDepthNineIsNot) {
  EXPECT_EQ(refusal(with_claims(nested(8))), "accepted");
  EXPECT_NE(refusal(with_claims(nested(9))).find("deeper than 8"), std::string::npos);
  EXPECT_NE(refusal(with_claims(nested(20'000))).find("deeper than 8"), std::string::npos);
}

TEST(Jws, OneByteOver64KiBIsRefused) {
  std::string claims = R"({"a":""})";
  const auto compact_with = [&](std::size_t filling) {
    std::string text = claims;
    text.insert(6, filling, 'x');
    return with_claims(text);
  };
  std::size_t filling = 48'000;
  while (compact_with(filling + 1).size() <= jws_bytes_max) ++filling;
  EXPECT_EQ(refusal(compact_with(filling)), "accepted");
  EXPECT_NE(refusal(std::string(jws_bytes_max + 1, 'a')).find("64 KiB"), std::string::npos);
  EXPECT_NE(refusal(compact_with(filling + 1)).find("64 KiB"), std::string::npos);
}

TEST(Jws, ClaimsMustBeOneJsonObjectInUtf8) {
  for (const std::string_view claims : {"", "[]", "1", "\"text\"", "{", "{}{}", "{\"a\":NaN}", "{'a':1}",
                                        "{\"a\":\"\xff\"}", "// c\n{}", "null"}) {
    EXPECT_NE(refusal(with_claims(claims)), "accepted") << claims;
  }
}

TEST(Jws, PartsThatAreNotBase64UrlAreRefused) {
  const std::string good = with_claims("{}");
  for (const std::string& bad : {good + "=", "=" + good, good + ".", "." + good, good + "\n", " " + good}) {
    EXPECT_NE(refusal(bad), "accepted");
  }
  EXPECT_NE(refusal("a.b"), "accepted");
  EXPECT_NE(refusal(".."), "accepted");
  EXPECT_NE(refusal(""), "accepted");
}

TEST(Jws, AKidIsNeededAndPrintable) {
  for (const char* kid : {R"("")", "7", "null", R"("a b")", R"("a\nb")"}) {
    const std::string header =
        R"({"alg":"EdDSA","typ":"shearline-command+jwt","kid":)" + std::string(kid) + "}";
    EXPECT_NE(refusal(compact_of(header, "{}")).find("kid"), std::string::npos) << kid;
  }
}

TEST(Jws, WhereTheSenderListensIsReadFromWhatIsRefused) {
  const std::string jti = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  const std::string claims = R"({"jti":")" + jti + R"("})";
  const std::string payload = base64url(as_bytes(claims));
  const std::string unsigned_form = base64url(as_bytes(R"({"alg":"none"})")).append(".").append(payload);
  for (const std::string& refused : {unsigned_form, unsigned_form + ".", unsigned_form + ".x.y",
                                     compact_of(R"({"alg":"HS256","kid":"a"})", claims)}) {
    EXPECT_NE(refusal(refused), "accepted");
    const std::optional<Ulid> claimed = claimed_jti(refused);
    EXPECT_TRUE(claimed && claimed->text() == jti) << refused;
  }
}

TEST(Jws, BytesThatNameNoUlidNameNoPlaceToAnswer) {
  const auto with_payload = [](std::string_view text) { return "." + base64url(as_bytes(text)) + "."; };
  for (const std::string& refused :
       {std::string(), std::string("garbage"), std::string("a.b.c"), with_payload("{}"), with_payload("[]"),
        with_payload(R"({"jti":7})"), with_payload(R"({"jti":"*"})"),
        with_payload(R"({"jti":"01ARZ3NDEKTSV4RRFFQ69G5FAV","jti":"01ARZ3NDEKTSV4RRFFQ69G5FAV"})"),
        std::string(jws_bytes_max + 1, 'a')}) {
    EXPECT_FALSE(claimed_jti(refused)) << refused.substr(0, 100);
  }
}

}  // namespace
}  // namespace shearline::policy
