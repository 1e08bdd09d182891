// A group with one member who breaks rules, for the tests of what must be refused: every case is genuine but for the one
// rule it breaks, is refused with that rule and its section, and leaves the receiver as it was.
#pragma once

#include "tests/mls/insider.hpp"

namespace shearline::mls::testing {

// Members 0 to 4; member 1 is the one who breaks rules, member 3 the one who must notice.
class Negative : public ::testing::Test {
 protected:
  Negative() : all(people(world, 5)) {
    for (std::size_t i = 0; i < 5; ++i) all.commit(i, {});  // no blank parents
  }

  void expect_refused(const Bytes& message, const std::string& rule, Code code = Code::invalid) {
    const Group& receiver = all[3];
    const SavedGroup before = receiver.serialize();
    const auto received = receiver.process(message, world.outside());
    ASSERT_FALSE(received) << "accepted, instead of: " << rule;
    EXPECT_EQ(received.error().message, rule);
    EXPECT_EQ(received.error().code, code) << rule;
    EXPECT_TRUE(same_state(before, receiver.serialize())) << rule;
  }
  void expect_commit_refused(const std::vector<Proposal>& proposals, const Deviation& deviation,
                             const std::string& rule, Code code = Code::invalid) {
    expect_refused(insider().commit(proposals, world, deviation), rule, code);
  }
  Insider insider() { return Insider(all[1]); }

  // A key package that is valid but for what `change` did before it was signed.
  KeyPackage key_package(const std::function<void(KeyPackage&)>& change) {
    const OwnKeyPackage own = world.key_package("somebody");
    KeyPackage out = own.key_package;
    change(out);
    sign_leaf_node(out.leaf_node, own.signature_key, {});
    sign_key_package(out, own.signature_key);
    return out;
  }

  World world;
  People all;
};

}  // namespace shearline::mls::testing
