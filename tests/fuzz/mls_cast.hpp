// Who plays in the fuzzers of MLS groups: a group of six with a blank and an unmerged leaf, people who wait to be added,
// and what a liar may put where something else belongs. Made once per cipher suite, from seeds.
#pragma once

#include "base/arena.hpp"
#include "tests/fuzz/expect.hpp"
#include "tests/mls/group_fixture.hpp"

#include <cstdint>
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

// One input of a fuzzer whose Scene(suite, bytes) plays it: its first byte chooses the suite. When it is over, no secret
// is left. 0, as libFuzzer wants it.
template <class Scene>
int play_scene(ByteView input) {
  if (input.empty()) return 0;
  const auto suite = static_cast<mls::CipherSuite>(1 + input[0] % 3);
  cast_of(suite);  // what is made once is no secret left behind
  const std::size_t secrets_before = arena_state().used_bytes;
  Scene(suite, input.subspan(1)).play();
  expect(arena_state().used_bytes == secrets_before, "every secret is gone");
  return 0;
}

}  // namespace shearline::fuzz
