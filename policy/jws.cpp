#include "policy/jws.hpp"

#include "base/encoding.hpp"
#include "base/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace shearline::policy {
namespace {

using nlohmann::json;

constexpr std::size_t kid_bytes_max = 128;

static_assert(JsonLimits{}.bytes_max == jws_bytes_max && JsonLimits{}.depth_max == json_depth_max);

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// The whole header is decided here, before the payload is looked at. Parameters we do not know are ignored
// as RFC 7515 section 4 demands, and so are `jwk`, `jku` and their like: keys come from enrolment only.
Result<std::string> key_id_of(std::string_view header_json, std::string_view expected_typ) {
  const Result<json> parsed = parse_json_object(header_json, "JWS header");
  if (!parsed) return std::unexpected(parsed.error());
  const json& header = *parsed;
  const auto is_text = [&](const char* name, std::string_view expected) {
    const auto found = header.find(name);
    return found != header.end() && found->is_string() && found->get_ref<const std::string&>() == expected;
  };
  if (!is_text("alg", "EdDSA")) {
    return fail(Code::invalid, "the JWS header's `alg` must be EdDSA; nothing else is accepted");
  }
  if (!is_text("typ", expected_typ)) {
    return fail(Code::invalid, "the JWS header's `typ` must be " + std::string(expected_typ));
  }
  if (header.contains("crit") || header.contains("b64")) {
    return fail(Code::invalid, "the JWS header demands extensions (`crit`, `b64`); none is supported");
  }
  const auto kid = header.find("kid");
  if (kid == header.end() || !kid->is_string()) {
    return fail(Code::invalid, "the JWS header needs a `kid`: who signed");
  }
  std::string text = kid->get<std::string>();
  if (text.empty() || text.size() > kid_bytes_max || !is_printable(text)) {
    return fail(Code::invalid, "the JWS header's `kid` must be 1 to 128 printable characters");
  }
  return text;
}

}  // namespace

std::string sign_jws(std::string_view claims_json, std::string_view typ, std::string_view kid,
                     const Key& seed) {
  const json header = {{"alg", "EdDSA"}, {"kid", kid}, {"typ", typ}};
  std::string compact = base64url(as_bytes(header.dump())) + '.' + base64url(as_bytes(claims_json));
  const Signature signature = ed25519_sign(seed, as_bytes(compact));
  return compact + '.' + base64url(signature);
}

Result<UnverifiedJws> parse_jws(std::string_view compact, std::string_view expected_typ) {
  if (compact.size() > jws_bytes_max) return fail(Code::invalid, "the JWS exceeds 64 KiB");
  if (std::ranges::count(compact, '.') != 2) {
    return fail(Code::invalid, "not a JWS in compact form: three parts with a dot between them are expected");
  }
  const std::size_t first = compact.find('.');
  const std::size_t second = compact.find('.', first + 1);

  const std::optional<Bytes> header = from_base64url(compact.substr(0, first));
  if (!header) return fail(Code::invalid, "the JWS header is not base64url without padding");
  Result<std::string> kid = key_id_of(as_text(*header), expected_typ);
  if (!kid) return std::unexpected(kid.error());

  const std::optional<Bytes> signature = from_base64url(compact.substr(second + 1));
  UnverifiedJws jws;
  if (!signature || signature->size() != jws.signature.size()) {
    return fail(Code::invalid, "the JWS signature must be 64 bytes in base64url");
  }
  const std::optional<Bytes> claims = from_base64url(compact.substr(first + 1, second - first - 1));
  if (!claims) return fail(Code::invalid, "the JWS payload is not base64url without padding");
  if (Status status = check_json_object(as_text(*claims), "claims"); !status) {
    return std::unexpected(status.error());
  }
  jws.kid = std::move(*kid);
  jws.claims_json = to_string(*claims);
  jws.signing_input = std::string(compact.substr(0, second));
  std::ranges::copy(*signature, jws.signature.begin());
  return jws;
}

bool verify_jws(const UnverifiedJws& jws, const PublicKey& key) {
  return ed25519_verify(key, as_bytes(jws.signing_input), jws.signature);
}

std::optional<Ulid> claimed_jti(std::string_view refused) {
  if (refused.size() > jws_bytes_max) return std::nullopt;
  const std::size_t first = refused.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::string_view payload = refused.substr(first + 1, refused.find('.', first + 1) - first - 1);
  const std::optional<Bytes> text = from_base64url(payload);
  if (!text) return std::nullopt;
  const Result<json> claims = parse_json_object(as_text(*text), "claims");
  if (!claims) return std::nullopt;
  const auto jti = claims->find("jti");
  if (jti == claims->end() || !jti->is_string()) return std::nullopt;
  return Ulid::parse(jti->get_ref<const std::string&>());
}

}  // namespace shearline::policy
