// What the tests over the MLS working group's vectors share: suites, hex, and the count that each file owes.
#pragma once

#include "mls/crypto.hpp"
#include "tests/vectors.hpp"

namespace shearline::mls::testing {

using nlohmann::json;
using shearline::testing::hex_field;

inline Key key_field(const json& object, const char* name) { return Key::copy_of(hex_field(object, name)); }

inline Bytes hex_of(const json& text) {
  std::optional<Bytes> bytes = from_hex(text.get_ref<const std::string&>());
  if (!bytes) throw std::runtime_error("not hex");
  return *std::move(bytes);
}

inline bool same(const Key& key, const Bytes& expected) { return equal(key.reveal(), expected); }

// Calls `check(case)` for each case of a suite that is built; it may declare the case out of scope with a
// reason by returning false. Prints the counts, and fails when nothing was checked.
inline void for_our_suites(const json& cases, const char* out_of_scope_reason,
                           const std::function<bool(CipherSuite, const json&)>& check) {
  std::size_t checked = 0;
  std::size_t other_suites = 0;
  std::size_t out_of_scope = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const json& one = cases[i];
    SCOPED_TRACE(::testing::Message() << "case " << i);
    const int suite = one.value("cipher_suite", 1);
    if (!is_built(static_cast<std::uint16_t>(suite))) {
      ++other_suites;
      continue;
    }
    ++(check(static_cast<CipherSuite>(suite), one) ? checked : out_of_scope);
  }
  std::printf("%zu passed, %zu of suites 4 to 7 out of scope", checked, other_suites);
  if (out_of_scope > 0) std::printf(", %zu out of scope: %s", out_of_scope, out_of_scope_reason);
  std::printf("\n");
  EXPECT_GT(checked, 0U);
}

}  // namespace shearline::mls::testing
