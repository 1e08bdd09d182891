// RFC 9180 section 4, "Cryptographic Dependencies".
#include "mls/hpke_kdf.hpp"

namespace shearline::mls::hpke {
namespace {

constexpr std::string_view version_label = "HPKE-v1";

void append_be16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<Byte>(value >> 8));
  out.push_back(static_cast<Byte>(value));
}

}  // namespace

Bytes kem_suite_id(Kem kem) {
  Bytes out = {'K', 'E', 'M'};
  append_be16(out, static_cast<std::uint16_t>(kem));
  return out;
}

Bytes hpke_suite_id(Suite suite) {
  Bytes out = {'H', 'P', 'K', 'E'};
  append_be16(out, static_cast<std::uint16_t>(suite.kem));
  append_be16(out, static_cast<std::uint16_t>(suite.kdf));
  append_be16(out, static_cast<std::uint16_t>(suite.aead));
  return out;
}

Key labeled_extract(ByteView suite_id, ByteView salt, std::string_view label, ByteView ikm,
                    ByteView ikm_rest) {
  Key out = Key::of_size(32);
  hmac_sha256(salt, {as_bytes(version_label), suite_id, as_bytes(label), ikm, ikm_rest},
              out.writable().first<32>());
  return out;
}

Key labeled_expand(ByteView suite_id, const Key& prk, std::string_view label, ByteView info,
                   std::size_t length) {
  Bytes labeled_info;
  append_be16(labeled_info, length);
  append(labeled_info, as_bytes(version_label));
  append(labeled_info, suite_id);
  append(labeled_info, as_bytes(label));
  append(labeled_info, info);
  return hkdf_expand(prk.reveal(), labeled_info, length);
}

}  // namespace shearline::mls::hpke
