// Who plays in the fuzzers of MLS groups: a group of six with a blank and an unmerged leaf, people who wait to be added,
// and what a liar may put where something else belongs. Made once per cipher suite, from seeds.
#pragma once

#include "tests/mls/group_fixture.hpp"

#include <vector>

namespace shearline::fuzz {

struct Cast {
  // Those who are at home, the engine first. Two more leaves are members whom nobody plays.
  std::vector<mls::Group> members;
  std::vector<mls::OwnKeyPackage> joiners;
  std::vector<Bytes> elsewhere;
};

// `suite` 1 to 3. The same object each time.
const Cast& cast_of(mls::CipherSuite suite);

// What each input starts from: the same randomness, OpenSSL's included (ECDSA draws its nonces there).
void begin_input(mls::testing::World& world);
// Of that world, where one pre-shared key is known.
mls::Outside outside_of(mls::testing::World& world);

inline const Bytes known_psk_id = {1, 2};

}  // namespace shearline::fuzz
