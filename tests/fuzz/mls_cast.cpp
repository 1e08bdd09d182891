// Nothing but RAND_set_rand_method makes OpenSSL's own randomness repeatable.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tests/fuzz/mls_cast.hpp"

#include <openssl/rand.h>

#include <array>
#include <memory>

namespace shearline::fuzz {
namespace {

using namespace mls;
using mls::testing::value_of;
using mls::testing::World;

// Another than any cast's, or a commit's keys would be those that somebody has already.
constexpr std::uint64_t input_seed = 1000;

SeededRandom& openssl_random() {
  static SeededRandom random(1);
  return random;
}

int fill_from_seed(unsigned char* out, int count) {
  openssl_random().fill({out, static_cast<std::size_t>(count)});
  return 1;
}
int always_ready() { return 1; }

void seed_openssl() {
  static const RAND_METHOD method = {.seed = nullptr,
                                     .bytes = fill_from_seed,
                                     .cleanup = nullptr,
                                     .add = nullptr,
                                     .pseudorand = fill_from_seed,
                                     .status = always_ready};
  static const bool installed = RAND_set_rand_method(&method) == 1;
  if (!installed) throw std::runtime_error("OpenSSL keeps its own randomness");
  openssl_random() = SeededRandom(1);
}

// One commit by `by`, which all others follow. Gives the Welcome.
std::optional<Bytes> commit(std::vector<Group>& groups, std::size_t by, const CommitRequest& request,
                            World& world) {
  Group::Committed made = value_of(groups[by].commit(request, world.outside()));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i != by) groups[i] = std::move(value_of(groups[i].process(made.message, world.outside())).next);
  }
  Group::Accepted accepted = value_of(made.next.accept_commit());
  groups[by] = std::move(accepted.next);
  return std::move(accepted.welcome);
}

void add(std::vector<Group>& groups, const std::vector<std::string>& names, bool with_path, World& world) {
  std::vector<OwnKeyPackage> joiners;
  CommitRequest request{.proposals = {}, .with_path = with_path};
  for (const std::string& name : names) {
    joiners.push_back(world.key_package(name));
    request.proposals.emplace_back(Add{joiners.back().key_package});
  }
  const std::optional<Bytes> welcome = commit(groups, 0, request, world);
  for (const OwnKeyPackage& joiner : joiners)
    groups.push_back(std::move(value_of(Group::join(*welcome, joiner, world.outside())).group));
}

std::vector<Bytes> what_stands_elsewhere(const Cast& cast, const World& world) {
  const RatchetTree& tree = cast.members[0].tree();
  std::vector<Bytes> out;
  for (NodeIndex node{0}; node.value < tree_math::node_width(tree.leaf_count()); ++node.value) {
    if (tree.has(node)) out.push_back(*tree.encryption_key(node));
  }
  for (const auto& leaf : tree.leaves()) {
    if (leaf == nullptr) continue;
    out.push_back(leaf->signature_key);
    out.push_back(leaf->credential.identity);
  }
  for (const OwnKeyPackage& joiner : cast.joiners) {
    out.push_back(joiner.key_package.init_key);
    out.push_back(joiner.key_package.leaf_node.encryption_key);
    out.push_back(joiner.key_package.leaf_node.signature_key);
  }
  const GroupContext& context = cast.members[0].group_context();
  out.insert(out.end(),
             {context.tree_hash, context.confirmed_transcript_hash, context.group_id, known_psk_id});
  for (const std::size_t size : {0, 1, 31, 32, 33, 64, 65, 300}) out.emplace_back(size);
  Bytes one(32);
  one[0] = 1;  // of small order
  out.push_back(one);
  out.emplace_back(32, Byte{0xff});
  out.push_back(hpke::generate_key_pair(hpke_of(world.suite), openssl_random()).public_key);
  out.push_back(SignaturePrivateKey::generate(signature_of(world.suite), openssl_random()).public_key());
  return out;
}

// Leaf 2 is unmerged above, leaf 5 blank; the parents of all others are filled.
Cast make(CipherSuite suite) {
  World world(static_cast<std::uint64_t>(suite));
  world.suite = suite;
  seed_openssl();
  Cast out;
  std::vector<Group> groups;
  groups.push_back(world.create("engine"));
  add(groups, {"one", "two", "three", "four", "five", "six"}, true, world);
  for (std::size_t i = 0; i < groups.size(); ++i) commit(groups, i, {}, world);
  for (const std::uint32_t leaf : {5U, 2U}) {
    groups.erase(groups.begin() + leaf);
    commit(groups, 0, {.proposals = {Remove{{leaf}}}}, world);
  }
  commit(groups, 3, {}, world);
  add(groups, {"seven"}, false, world);
  for (const std::size_t i : {0U, 1U, 2U, 5U}) out.members.push_back(groups[i].clone());
  for (const char* const name : {"first", "second", "third"}) out.joiners.push_back(world.key_package(name));
  out.elsewhere = what_stands_elsewhere(out, world);
  return out;
}

}  // namespace

const Cast& cast_of(CipherSuite suite) {
  static std::array<std::unique_ptr<const Cast>, 4> made;
  auto& cast = made.at(static_cast<std::size_t>(suite));
  if (!cast) cast = std::make_unique<const Cast>(make(suite));
  return *cast;
}

void begin_input(World& world) {
  seed_openssl();
  world.random = SeededRandom(input_seed);
  // A member keeps its name; its keys may change.
  world.identities = [](const IdentityQuestion& asked) -> Status {
    if (asked.replaced == nullptr || asked.replaced->credential == asked.leaf.credential) return {};
    return fail(Code::policy_violation, "RFC 9420 section 5.3.1: a member takes another name");
  };
}

Outside outside_of(World& world) {
  Outside out = world.outside();
  out.pre_shared_keys = [](ByteView id) -> std::optional<Key> {
    if (!equal(id, known_psk_id)) return std::nullopt;
    return Key::copy_of(Bytes(hash_bytes, 7));
  };
  return out;
}

}  // namespace shearline::fuzz
