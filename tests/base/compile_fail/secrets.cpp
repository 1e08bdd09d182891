// Statements about secrets that must not compile, one per CASE: ctest builds each and expects the compiler to say
// why. CASE 0 compiles, so that the others fail for their own reason and not for a slip in this file.
#include "base/log.hpp"
#include "base/secret.hpp"

#include <fmt/format.h>

#include <iostream>

namespace shearline {

bool statement(Secret& secret, Key& key, Plaintext& plaintext, Digest& digest, AckTag& tag) {
#if CASE == 0
  log::info("secrets", {{"size", secret.size()}, {"size", plaintext.size()}});
  const Key copy = key.clone();
  return equal_in_constant_time(digest.reveal(), tag.reveal()) && !copy.empty();
#elif CASE == 1
  log::info("event", {{"secret", secret}});
#elif CASE == 2
  const Secret copy = secret;
#elif CASE == 3
  return digest == digest.clone();
#elif CASE == 4
  std::cout << plaintext;
#elif CASE == 5
  fmt::print("{}", key);
#elif CASE == 6
  key = plaintext.clone();
#elif CASE == 7
  const AckTag copy = tag;
#elif CASE == 8
  log::info("event", {{"where", secret.reveal().data()}});
#endif
  return secret.empty() && key.empty() && plaintext.empty() && digest.reveal().empty() &&
         tag.reveal().empty();
}

}  // namespace shearline
