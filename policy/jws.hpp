// JWS compact serialization (RFC 7515) with EdDSA over Ed25519 (RFC 8037) and nothing else: algorithms are
// pinned, `none` and key confusion are refused before any claim is read. Claims are JSON of depth at most 8
// without duplicate names. Used for commands (admin to engine) and replies (engine to admin).
#pragma once

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/ulid.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace shearline::policy {

inline constexpr std::size_t jws_bytes_max = 64 * 1024;
inline constexpr int json_depth_max = 8;
inline constexpr std::string_view command_type = "shearline-command+jwt";
inline constexpr std::string_view reply_type = "shearline-reply+jwt";

// claims_json must be a JSON object; it is signed as it is.
std::string sign_jws(std::string_view claims_json, std::string_view typ, std::string_view kid,
                     const Key& seed);

struct UnverifiedJws {
  std::string kid;            // who claims to have signed
  std::string claims_json;    // not to be trusted before verify_jws
  std::string signing_input;  // header "." payload
  Signature signature{};
};
// invalid: too long, not three parts, bad base64url, header with other alg or typ, unknown `crit`, JSON too
// deep or with duplicate names.
Result<UnverifiedJws> parse_jws(std::string_view compact, std::string_view expected_typ);
bool verify_jws(const UnverifiedJws& jws, const PublicKey& key);

// Where the sender listens for an answer, true or not: bytes that are refused for their algorithm or want of a
// signature are told so, too.
std::optional<Ulid> claimed_jti(std::string_view refused);

}  // namespace shearline::policy
