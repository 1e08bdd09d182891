// The labeled extract and expand of RFC 9180 section 4, shared by the KEM and the key schedule of this room.
#pragma once

#include "mls/hpke.hpp"

#include <string_view>

namespace shearline::mls::hpke {

Bytes kem_suite_id(Kem kem);       // "KEM" || I2OSP(kem_id, 2)
Bytes hpke_suite_id(Suite suite);  // "HPKE" || kem_id || kdf_id || aead_id

// Two parts of ikm, because a joined Diffie-Hellman result would be a secret in growing memory.
Key labeled_extract(ByteView suite_id, ByteView salt, std::string_view label, ByteView ikm,
                    ByteView ikm_rest = {});
Key labeled_expand(ByteView suite_id, const Key& prk, std::string_view label, ByteView info,
                   std::size_t length);

}  // namespace shearline::mls::hpke
