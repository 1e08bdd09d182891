// A Welcome to a group of MLS, made by a member who knows everything that it needs and changes what the input says: the
// tree, the GroupInfo, the secrets, the envelope. Who refuses it can still join by the honest one; who accepts it is in a
// group whose tree is valid, that can be saved and restored, and that it can move on.
#include "tests/fuzz/mls_cast.hpp"
#include "tests/fuzz/mls_checks.hpp"
#include "tests/fuzz/mls_damage.hpp"
#include "tests/fuzz/mls_liar.hpp"

namespace shearline::fuzz {
namespace {

using namespace mls;
using mls::testing::value_of;
using mls::testing::World;

constexpr LeafIndex liars_leaf{1};

// What a Welcome and the ratchet tree that comes with it or apart from it are made of.
struct Parts {
  GroupInfo info;
  RatchetTree tree;
  GroupSecrets secrets;
  Key psk_secret;
};
struct Invitation {
  Bytes welcome;
  Bytes tree;  // empty: it is in the Welcome
};

class Scene {
 public:
  Scene(CipherSuite suite, ByteView input)
      : cast_(cast_of(suite)), choices_(input), damage_(choices_, cast_.elsewhere), liar_(cast_.members[1]) {
    world_.suite = suite;
    begin_input(world_);
  }

  void play() {
    const Liar::Draft draft = honest_draft();
    tree_apart_ = choices_.yes();
    const Invitation honest = seal(parts_of(draft), [](Bytes&) {}, [](auto&) {});
    const auto joined_honestly = join(honest);
    expect(joined_honestly.has_value(), "an honest Welcome is followed");

    Parts parts = parts_of(draft);
    change(parts);
    bool forged = false;
    const auto forge = [&](Bytes& value) {
      const Bytes before = value;
      damage_.some(value);
      forged |= value != before;
    };
    const Invitation changed = seal(std::move(parts), forge, [&](auto& value) { damage_.some(value); });
    const auto joined = join(changed);
    expect(join(honest).has_value(), "the key package is as good as before");
    if (!joined) {
      const Error& error = joined.error();
      if (error.code != Code::not_found) expect_rule(error);
      return;
    }
    const Group& group = joined->group;
    restored(group.serialize());
    expect_valid_tree(group, outside());
    expect(!forged, "what is forged is refused");
    expect_tree_of_the_others(group.tree(), draft.tree);
    expect(group.tree().leaf(joined->signer) != nullptr, "the signer is a member");
    expect(*group.tree().leaf(group.own_leaf()) == joiner().key_package.leaf_node, "our leaf is ours");
    const Group::Committed made = expect_can_commit(group, outside());
    expect(made.next.accept_commit().has_value(), "and go on from there");
  }

 private:
  Outside outside() { return outside_of(world_); }
  const OwnKeyPackage& joiner() const { return cast_.joiners[0]; }
  Result<Group::Joined> join(const Invitation& invitation) {
    return Group::join(invitation.welcome, joiner(), outside(), invitation.tree);
  }

  Liar::Draft honest_draft() {
    const bool with_path = choices_.yes();
    std::vector<Proposal> proposals = {Add{joiner().key_package}};
    if (choices_.yes()) proposals.emplace_back(Add{cast_.joiners[1].key_package});
    if (choices_.yes()) {
      proposals.emplace_back(
          PreSharedKey{{.psk_id = known_psk_id, .psk_group_id = {}, .psk_nonce = Bytes(hash_bytes, 1)}});
    }
    const bool remove = with_path && choices_.yes();
    if (remove) proposals.emplace_back(Remove{LeafIndex{4}});
    std::vector<ListedProposal> listed;
    listed.reserve(proposals.size());
    for (Proposal& one : proposals) {
      listed.push_back({std::make_shared<const Proposal>(std::move(one)), liars_leaf});
    }
    for (const ListedProposal& one : listed) {
      if (const auto* const psk = std::get_if<PreSharedKey>(one.proposal.get())) psks_ = {psk->psk};
    }
    return liar_.draft({}, listed, outside(), {}, with_path, WireFormat::public_message);
  }

  Parts parts_of(const Liar::Draft& draft) {
    Parts out;
    out.info.group_context = draft.context;
    out.info.signer = liars_leaf;
    out.tree = draft.tree;
    out.secrets.joiner_secret = draft.joiner_secret.clone();
    out.secrets.psks = psks_;
    out.psk_secret = draft.psk_secret.clone();
    if (!draft.path) return out;
    const LeafIndex own = own_leaf(draft.tree);
    const NodeIndex ancestor = tree_math::common_ancestor(liars_leaf, own);
    for (const NewPath::Step& step : draft.path->steps) {
      if (step.at.node == ancestor) out.secrets.path_secret = step.path_secret.clone();
    }
    return out;
  }
  LeafIndex own_leaf(const RatchetTree& tree) const {
    LeafIndex at{0};
    while (tree.leaf(at) == nullptr || *tree.leaf(at) != joiner().key_package.leaf_node) ++at.value;
    return at;
  }

  // The liar can leave nodes out and change its own leaf; all else has been vouched for by others.
  static void expect_tree_of_the_others(const RatchetTree& accepted, const RatchetTree& honest) {
    for (NodeIndex node{0}; node.value < tree_math::node_width(accepted.leaf_count()); ++node.value) {
      if (!accepted.has(node) || node == tree_math::node_of(liars_leaf)) continue;
      expect(honest.has(node), "no node has come out of nothing");
      if (tree_math::is_leaf(node)) {
        const LeafIndex at = tree_math::leaf_of(node);
        expect(*accepted.leaf(at) == *honest.leaf(at), "leaves are as their owners signed them");
      } else {
        expect(*accepted.parent(node) == *honest.parent(node), "parents are as their hashes say");
      }
    }
  }

  // Before it is signed: the tree with or without its hash, the context, who signs, the secrets.
  void change(Parts& parts) {
    if (damage_.some(parts.tree) && choices_.yes()) sign_own_leaf(parts.tree);
    if (choices_.yes()) parts.info.group_context.tree_hash = to_bytes(parts.tree.tree_hash());
    damage_.some(parts.info.group_context);
    damage_.some(parts.info.extensions);
    damage_.some(parts.info.signer);
    damage_.some(parts.secrets.psks);
    if (choices_.octet() >= 224) parts.secrets.path_secret.reset();
    if (parts.secrets.path_secret) some(*parts.secrets.path_secret);
    some(parts.secrets.joiner_secret);
  }
  void some(Key& key) {
    Bytes bytes = to_bytes(key.reveal());
    if (damage_.some(bytes)) key = Key::copy_of(bytes);
  }
  void sign_own_leaf(RatchetTree& tree) const {
    if (tree.leaf(liars_leaf) == nullptr) return;
    LeafNode own = *tree.leaf(liars_leaf);
    sign_leaf_node(own, liar_.signature_key, {.group_id = liar_.context.group_id, .leaf = liars_leaf});
    tree.replace_leaf(liars_leaf, std::move(own));
  }

  // With the tag and the signature that these parts ask for. What is not for the joiner alone may be changed unseen.
  template <class Forge, class Change>
  Invitation seal(Parts parts, Forge forged, Change changed) {
    const CipherSuite suite = world_.suite;
    Invitation out;
    Bytes tree = encode([&](Writer& to) { write(to, parts.tree); });
    forged(tree);
    if (tree_apart_) {
      out.tree = std::move(tree);
    } else {
      parts.info.extensions.push_back({extension_type::ratchet_tree, std::move(tree)});
    }
    const Bytes context = encode([&](Writer& to) { write(to, parts.info.group_context); });
    const EpochSecrets secrets =
        derive_epoch_secrets(derive_epoch_secret(parts.secrets.joiner_secret, parts.psk_secret, context));
    parts.info.confirmation_tag =
        confirmation_tag(secrets.confirmation_key, parts.info.group_context.confirmed_transcript_hash);
    forged(parts.info.confirmation_tag);
    sign_group_info(parts.info, liar_.signature_key);
    forged(parts.info.signature);

    Welcome welcome{.cipher_suite = suite, .secrets = {}, .encrypted_group_info = {}};
    welcome.encrypted_group_info = seal_group_info(
        suite, parts.info, derive_welcome_secret(parts.secrets.joiner_secret, parts.psk_secret));
    forged(welcome.encrypted_group_info);
    for (const OwnKeyPackage* const one : {&cast_.joiners[1], &joiner()}) {
      welcome.secrets.push_back(
          value_of(seal_group_secrets(welcome_context(suite, welcome.encrypted_group_info), one->key_package,
                                      parts.secrets, world_.random)));
      changed(welcome.secrets.back().new_member);
      changed(welcome.secrets.back().encrypted_group_secrets);
    }
    out.welcome = encode_message(std::move(welcome));
    changed(out.welcome);
    return out;
  }

  const Cast& cast_;
  Choices choices_;
  Damage damage_;
  World world_;
  Liar liar_;
  std::vector<PreSharedKeyId> psks_;
  bool tree_apart_ = false;
};

}  // namespace
}  // namespace shearline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return shearline::fuzz::play_scene<shearline::fuzz::Scene>({data, size});
}
