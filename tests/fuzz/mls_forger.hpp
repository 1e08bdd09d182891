// What an insider sends in a fuzzer of MLS groups: frames around any plaintext, proposals and commits, broken where the
// input says so before they are signed and sealed. Used by mls_process_fuzz; knows one member's secrets, no receiver.
#pragma once

#include "tests/fuzz/mls_cast.hpp"
#include "tests/fuzz/mls_damage.hpp"
#include "tests/fuzz/mls_liar.hpp"

namespace shearline::fuzz {

// A proposal that waits for a commit, as a saved state lists it.
struct Known {
  mls::ProposalRef ref;
  std::shared_ptr<const mls::Proposal> proposal;
  mls::LeafIndex sender;
};

class Forger {
 public:
  struct Made {
    Bytes message;
    bool forged = false;       // nobody may accept it, whatever else is right
    bool skips_far = false;    // many generations: what comes later must not be sent before it
    mls::SecretTree ratchets;  // with its generation spent
  };

  Forger(Choices& choices, Damage& damage, const Cast& cast, mls::testing::World& world,
         const mls::Group& self)
      : choices_(choices), damage_(damage), cast_(cast), world_(world), liar_(self) {}

  // Nothing where not even an insider can make it, such as a path to a key that is none. No generation is spent until
  // `spend`: what nobody accepts is followed by another message with its key.
  std::optional<Made> frame();  // a PrivateMessage with any plaintext and sender data
  std::optional<Made> proposal();
  std::optional<Made> commit(const std::vector<Known>& known);
  void spend(mls::SecretTree ratchets) { liar_.ratchets = std::move(ratchets); }
  Bytes honest_word();

 private:
  template <class Make>
  std::optional<Made> made(Make make);
  void forge(Bytes& field);
  Bytes plaintext(mls::FramedContent content, mls::ContentType type);
  Bytes framed(mls::AuthenticatedContent content, bool in_the_clear);
  Lies some_lies();
  mls::Proposal any_proposal();
  mls::KeyPackage key_package();
  mls::LeafNode update();
  mls::Extensions extensions();

  Choices& choices_;
  Damage& damage_;
  const Cast& cast_;
  mls::testing::World& world_;
  Liar liar_;
  bool forged_ = false;
  bool skips_far_ = false;
};

}  // namespace shearline::fuzz
