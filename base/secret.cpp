#include "base/secret.hpp"

#include <openssl/crypto.h>

namespace shearline {

bool equal_in_constant_time(ByteView a, ByteView b) {
  // Length first: a shorter tag is never a match (design: mls.md trap 1).
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace shearline
