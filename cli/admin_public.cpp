#include "cli/admin_public.hpp"

#include "base/encoding.hpp"
#include "cli/output.hpp"
#include "policy/model.hpp"

#include <algorithm>

namespace shearline::cli {
namespace {

constexpr std::string_view kind_text = "shearline-admin";

template <std::size_t N>
bool read_bytes(std::string_view json, std::string_view name, std::array<Byte, N>& out) {
  const auto bytes = from_base64url(text_member(json, name));
  if (!bytes || bytes->size() != N) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

// A TOML basic string has JSON's escapes for all that a JSON string can hold.
std::string toml_string(std::string_view text) { return Member("", text).json; }

}  // namespace

AdminPublic public_half(const keys::AdminKeys& keys) {
  AdminPublic admin{.admin_id = keys.admin_id, .person = keys.person};
  admin.signing_key = ed25519_public(keys.signing_seed);
  admin.sealing_key = x25519_public(keys.opening_key);
  admin.sealing_key_proof = keys::prove_sealing_key(keys.signing_seed, keys.admin_id, admin.sealing_key);
  return admin;
}

std::string encode_admin_public(const AdminPublic& admin) {
  return json_object({{"kind", kind_text},
                      {"admin_id", admin.admin_id},
                      {"person", admin.person},
                      {"signing_key", base64url(admin.signing_key)},
                      {"sealing_key", base64url(admin.sealing_key)},
                      {"sealing_key_proof", base64url(admin.sealing_key_proof)}});
}

Result<AdminPublic> decode_admin_public(std::string_view json) {
  if (text_member(json, "kind") != kind_text) {
    return fail(Code::invalid, "not the public file of an admin (made by `shearline admin init`)");
  }
  AdminPublic admin{.admin_id = text_member(json, "admin_id"), .person = text_member(json, "person")};
  if (!policy::is_id(admin.admin_id))
    return fail(Code::invalid, "admin_id: 1 to 64 characters of [A-Za-z0-9._~-]");
  if (admin.person.empty()) return fail(Code::invalid, "person is missing");
  if (!read_bytes(json, "signing_key", admin.signing_key))
    return fail(Code::invalid, "signing_key is not a key");
  if (!read_bytes(json, "sealing_key", admin.sealing_key))
    return fail(Code::invalid, "sealing_key is not a key");
  if (!read_bytes(json, "sealing_key_proof", admin.sealing_key_proof) ||
      !keys::sealing_key_proven(admin.signing_key, admin.admin_id, admin.sealing_key,
                                admin.sealing_key_proof)) {
    return fail(Code::invalid, "sealing_key_proof does not fit: the file was changed after it was made");
  }
  return admin;
}

std::string admin_toml(const AdminPublic& admin) {
  return "[[admin]]\nid = " + toml_string(admin.admin_id) + "\nperson = " + toml_string(admin.person) +
         "\nsigning_key = " + toml_string(base64url(admin.signing_key)) +
         "\nsealing_key = " + toml_string(base64url(admin.sealing_key)) +
         "\nsealing_key_proof = " + toml_string(base64url(admin.sealing_key_proof));
}

std::string fingerprint(const AdminPublic& admin) {
  const std::string digits = hex(ByteView(sha256({admin.signing_key, admin.sealing_key})).first(16));
  std::string text;
  for (std::size_t i = 0; i < digits.size(); i += 4) text += (i == 0 ? "" : " ") + digits.substr(i, 4);
  return text;
}

}  // namespace shearline::cli
