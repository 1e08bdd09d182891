// The public half of an admin's keys: made by `admin init`, written into the configuration as the founding
// admin, or given as a file to another admin who enrolls it. Pure.
#pragma once

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "io/keys/keyring.hpp"

#include <string>
#include <string_view>

namespace shearline::cli {

inline constexpr std::size_t admin_public_bytes_max = 16 * 1024;

struct AdminPublic {
  std::string admin_id;
  std::string person;
  PublicKey signing_key{};
  PublicKey sealing_key{};
  Signature sealing_key_proof{};
};
AdminPublic public_half(const keys::AdminKeys& keys);

std::string encode_admin_public(const AdminPublic& admin);  // JSON, one object
// invalid: not such a file, or the sealing key is not signed by the signing key.
Result<AdminPublic> decode_admin_public(std::string_view json);

// The `[[admin]]` block of the server's configuration.
std::string admin_toml(const AdminPublic& admin);

// What two people compare over the phone: the first 16 bytes of SHA-256 over both keys, in groups of four
// digits.
std::string fingerprint(const AdminPublic& admin);

}  // namespace shearline::cli
