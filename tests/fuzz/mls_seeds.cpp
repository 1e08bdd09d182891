// Makes the seeds of the MLS fuzzers' corpora: for the decoders the structures of a small group in each cipher suite,
// for joining and processing the decisions that lead through every act once, honestly and with one lie. Run when a
// format or the meaning of a decision has changed; scripts/fuzz --keep then adds what a search finds.
//
//   mls_fuzz_seeds CORPUS_FOLDER
#include "mls/private_message.hpp"
#include "tests/fuzz/mls_cast.hpp"
#include "tests/fuzz/mls_liar.hpp"
#include "tests/fuzz/mls_structures.hpp"

#include <filesystem>
#include <fstream>

namespace shearline::fuzz {
namespace {

using namespace mls;
using mls::testing::value_of;
using mls::testing::World;

class Folder {
 public:
  explicit Folder(std::filesystem::path at) : at_(std::move(at)) { std::filesystem::create_directories(at_); }
  void keep(const std::string& name, ByteView input) const {
    std::ofstream out(at_ / ("seed-" + name), std::ios::binary);
    out.write(as_text(input).data(), static_cast<std::streamsize>(input.size()));
    if (!out.flush()) throw std::runtime_error("cannot write into " + at_.string());
  }

 private:
  std::filesystem::path at_;
};

// ---- structures ----

class Structures {
 public:
  Structures(const Folder& folder, CipherSuite suite)
      : folder_(folder),
        suffix_("-" + std::to_string(static_cast<int>(suite))),
        cast_(cast_of(suite)),
        liar_(cast_.members[1]) {
    world_.suite = suite;
    begin_input(world_);
  }

  void write_all() {
    messages();
    parts();
    states();
  }

 private:
  void keep(Structure structure, const std::string& name, ByteView bytes) const {
    Bytes input = {static_cast<Byte>(structure)};
    append(input, bytes);
    folder_.keep(name + suffix_, input);
  }
  template <class Value>
  void keep_value(Structure structure, const std::string& name, const Value& value) const {
    keep(structure, name, encode([&](Writer& out) { write(out, value); }));
  }

  void messages() {
    const Outside outside = outside_of(world_);
    const Group& engine = cast_.members[0];
    keep(Structure::message, "application",
         value_of(engine.protect(as_bytes("text"), as_bytes("aad"), 3, outside)).message);
    keep(Structure::message, "proposal-in-the-clear", liar_.proposal(Remove{{4}}));
    const auto committed = value_of(engine.commit({.proposals = {Add{joiner().key_package}}}, outside));
    keep(Structure::message, "commit", committed.message);
    keep(Structure::message, "welcome", *value_of(committed.next.accept_commit()).welcome);
    keep(Structure::message, "key-package", encode_message(joiner().key_package));
    keep(Structure::saved_group, "pending", bytes_of(committed.next.serialize()));
  }

  void parts() {
    keep_value(Structure::key_package, "key-package", joiner().key_package);
    keep_value(Structure::leaf_node, "leaf-of-commit", *liar_.tree.leaf({1}));
    LeafNode certified = joiner().key_package.leaf_node;
    certified.credential = {
        .type = credential_type::x509, .identity = {}, .certificates = {Bytes(9, 1), Bytes(3, 2)}};
    keep_value(Structure::leaf_node, "leaf-with-certificates", certified);
    keep_value(Structure::ratchet_tree, "tree", liar_.tree);
    const ParentNode root{
        .encryption_key = Bytes(hash_bytes, 1), .parent_hash = {}, .unmerged_leaves = {{0}}};
    keep(Structure::ratchet_tree, "tree-that-ends-in-a-parent", encode([&](Writer& out) {
           out.vector([&] {
             out.u8(1);
             out.u8(1);
             write(out, joiner().key_package.leaf_node);
             out.u8(1);
             out.u8(2);
             write(out, root);
           });
         }));
    keep_value(Structure::group_context, "context", liar_.context);
    const PreSharedKeyId external{
        .psk_id = known_psk_id, .psk_group_id = {}, .psk_nonce = Bytes(hash_bytes, 1)};
    const PreSharedKeyId resumption{.type = PskType::resumption,
                                    .psk_id = {},
                                    .psk_group_id = liar_.context.group_id,
                                    .psk_nonce = Bytes(hash_bytes, 1)};
    const RequiredCapabilities required{.extensions = {0x0a0a}, .proposals = {0x0a0a}, .credentials = {1}};
    keep_value(Structure::required_capabilities, "required", required);
    const Extensions extensions = {
        {extension_type::required_capabilities, encode([&](Writer& out) { write(out, required); })}};
    const std::vector<Proposal> proposals = {
        Add{joiner().key_package},
        Update{*liar_.tree.leaf({1})},
        Remove{{2}},
        PreSharedKey{external},
        PreSharedKey{resumption},
        ReInit{.group_id = {1}, .cipher_suite = 1, .extensions = extensions},
        ExternalInit{Bytes(32, 1)},
        GroupContextExtensions{extensions}};
    for (std::size_t i = 0; i < proposals.size(); ++i)
      keep_value(Structure::proposal, "proposal-" + std::to_string(i + 1), proposals[i]);
    commits(proposals[2]);
    GroupSecrets secrets;
    secrets.joiner_secret = Key::copy_of(Bytes(hash_bytes, 1));
    secrets.path_secret = Key::copy_of(Bytes(hash_bytes, 2));
    secrets.psks = {external, resumption};
    keep_value(Structure::group_secrets, "secrets", secrets);
    GroupInfo info{.group_context = liar_.context,
                   .extensions = extensions,
                   .confirmation_tag = Bytes(hash_bytes, 1),
                   .signer = {1},
                   .signature = {}};
    sign_group_info(info, liar_.signature_key);
    keep_value(Structure::group_info, "info", info);
  }

  void commits(const Proposal& proposal) {
    Commit body;
    body.proposals = {proposal, ProposalRef(hash_bytes, 1)};
    const Liar::Draft draft =
        liar_.draft(std::move(body), {}, outside_of(world_), {}, true, WireFormat::public_message);
    keep_value(Structure::commit, "commit", std::get<Commit>(draft.message.content.body));
    keep_value(Structure::authenticated_content, "authenticated", draft.message);
    FramedContent external = liar_.content(Plaintext::copy_of(as_bytes("text")));
    keep_value(Structure::framed_content, "framed", external);
    external.sender.type = SenderType::external;
    keep_value(Structure::framed_content, "framed-external", external);
  }

  void states() {
    keep(Structure::own_key_package, "own", serialize_own_key_package(joiner()).reveal());
    keep(Structure::saved_group, "member", bytes_of(cast_.members[2].serialize()));
    keep(Structure::saved_group, "newcomer", bytes_of(cast_.members[3].serialize()));
    const auto sent = value_of(cast_.members[0].propose_update(outside_of(world_)));
    keep(Structure::saved_group, "proposal", bytes_of(sent.next.serialize()));
    const Bytes& key = joiner().key_package.init_key;
    Bytes objects = {static_cast<Byte>(static_cast<int>(world_.suite) - 1), static_cast<Byte>(key.size())};
    append(objects, key);
    append(objects, joiner().key_package.signature);
    keep(Structure::cryptographic_objects, "objects", objects);
  }

  const OwnKeyPackage& joiner() const { return cast_.joiners[0]; }

  const Folder& folder_;
  std::string suffix_;
  const Cast& cast_;
  Liar liar_;
  World world_;
};

// ---- decisions ----

// The acts of mls_process_fuzz.cpp, decision by decision; what is left out at the end decides for 0.
const std::vector<std::pair<std::string, Bytes>> scripts = {
    {"application", {1, 0, 2, 'h', 'i', 1, 'a', 3}},
    {"application-changed-on-the-way", {1, 0, 2, 'h', 'i', 0, 0, 192, 0, 40, 0, 1}},
    {"application-late", {1, 0, 1, 'x', 0, 0, 0, 224, 3, 1, 0, 7, 0, 7, 0}},
    {"update-and-commit", {2, 1, 0, 0, 0, 3, 0, 0, 1, 1, 1, 'x'}},
    {"add-and-commit", {2, 0, 0, 1, 0, 3, 1, 0, 1, 0, 1, 'x'}},
    {"remove-and-commit", {2, 0, 0, 2, 4, 0, 3, 0, 0, 3, 1}},
    {"removal-of-one-who-listens", {2, 0, 0, 2, 3, 0, 3, 0, 0, 1, 0, 1, 'x'}},
    {"commits", {3, 0, 0, 3, 1, 0, 8, 3, 2, 0, 3, 0}},
    {"frame-of-application", {4, 0, 0, 0, 0, 2, 'h', 'i', 0, 5}},
    {"frame-far-ahead", {4, 0, 0, 0, 0, 1, 'x', 0, 0, 0, 0, 240, 3, 232}},
    {"frame-too-far-ahead", {4, 0, 0, 0, 0, 1, 'x', 0, 0, 0, 0, 240, 3, 233}},
    {"frame-of-another", {4, 0, 0, 0, 192, 0, 0, 1, 'x'}},
    {"frame-with-odd-padding", {4, 0, 0, 0, 0, 1, 'x', 0, 9, 192}},
    {"frame-of-proposal", {4, 0, 0, 1, 0, 6, 0, 3, 0, 0, 0, 4}},
    {"frame-of-commit", {4, 0, 0, 2, 0, 2, 0, 0}},
    {"insider-adds", {5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 3, 0}},
    {"insider-adds-a-key-of-another", {5, 0, 0, 192, 0, 0, 0, 6, 1, 0, 0, 0, 0, 1}},
    {"insider-updates", {5, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0}},
    {"insider-removes", {5, 2, 0, 4, 0, 1, 0, 0, 0, 0, 7, 0, 3, 0}},
    {"insider-names-a-psk", {5, 3, 1, 0, 0, 1, 0, 0, 0, 0, 3, 0}},
    {"insider-names-one-psk-twice", {5, 3, 1, 0, 0, 0, 0, 0, 0, 5, 3, 1, 0, 0, 0, 0, 0, 0, 3, 0}},
    {"insider-reinits", {5, 4}},
    {"insider-joins-externally", {5, 5, 2, 1, 2}},
    {"insider-requires-capabilities", {5, 6, 192, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0}},
    {"insider-commits-in-the-clear", {6, 0, 0, 3}},
    {"insider-commits", {6, 0, 0, 2}},
    {"insider-commits-an-add", {6, 0, 1, 0, 0, 0, 0, 0, 0, 3}},
    {"insider-commits-an-add-without-path", {6, 0, 1, 0, 0, 0, 0, 0, 0, 1}},
    {"insider-commits-what-was-proposed", {2, 1, 0, 0, 0, 6, 1, 0, 3}},
    {"insider-puts-no-key-into-the-path", {6, 0, 0, 3, 0, 0, 192, 0, 0, 6, 33}},
    {"insider-takes-another-name", {6, 0, 0, 3, 0, 0, 0, 192, 2, 0, 0, 0, 5, 1, 'x'}},
    {"no-message", {0, 0, 1, 0, 1, 0}},
};

// The honest decisions of mls_join_fuzz.cpp: path, second joiner, pre-shared key, removal, tree apart.
std::vector<std::pair<std::string, Bytes>> invitations() {
  std::vector<std::pair<std::string, Bytes>> out;
  for (unsigned bits = 0; bits < 32; bits += 5) {
    Bytes decisions;
    for (unsigned bit = 0; bit < 5; ++bit) decisions.push_back(static_cast<Byte>(bits >> bit & 1));
    out.emplace_back("invitation-" + std::to_string(bits), std::move(decisions));
  }
  return out;
}

void keep_for_each_suite(const Folder& folder, const std::vector<std::pair<std::string, Bytes>>& seeds) {
  for (const auto& [name, decisions] : seeds) {
    for (Byte suite = 0; suite < 3; ++suite) {
      Bytes input = {suite};
      append(input, decisions);
      folder.keep(name + "-" + std::to_string(suite + 1), input);
    }
  }
}

}  // namespace
}  // namespace shearline::fuzz

int main(int argc, char** argv) {
  using namespace shearline;
  if (argc != 2) {
    std::fputs("usage: mls_fuzz_seeds CORPUS_FOLDER\n", stderr);
    return 64;
  }
  const std::filesystem::path corpus = argv[1];
  const fuzz::Folder decode(corpus / "mls_decode");
  for (const int suite : {1, 2, 3}) {
    fuzz::Structures(decode, static_cast<mls::CipherSuite>(suite)).write_all();
  }
  const fuzz::Folder process(corpus / "mls_process");
  fuzz::keep_for_each_suite(process, fuzz::scripts);
  Bytes key_package = {0, 0};  // suite 1, and the act that delivers the rest as it is
  append(key_package, mls::encode_message(fuzz::cast_of(mls::CipherSuite{1}).joiners[0].key_package));
  process.keep("a-key-package-delivered", key_package);
  fuzz::keep_for_each_suite(fuzz::Folder(corpus / "mls_join"), fuzz::invitations());
  return 0;
}
