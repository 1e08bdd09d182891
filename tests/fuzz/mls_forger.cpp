#include "tests/fuzz/mls_forger.hpp"

#include "tests/fuzz/mls_sealing.hpp"

namespace shearline::fuzz {
namespace {

using namespace mls;

// Further ahead than a ratchet goes, with room to try both sides of its bound.
constexpr std::size_t generations_skipped_max = 1100;
constexpr std::size_t generations_skipped_near_max = 50;

}  // namespace

template <class Make>
std::optional<Forger::Made> Forger::made(Make make) {
  const SecretTree before = liar_.ratchets;
  forged_ = false;
  skips_far_ = false;
  std::optional<Made> out;
  try {
    out = Made{.message = make(), .forged = forged_, .skips_far = skips_far_, .ratchets = liar_.ratchets};
  } catch (const std::runtime_error&) {
    out.reset();
  }
  liar_.ratchets = before;
  return out;
}

void Forger::forge(Bytes& field) {
  const Bytes before = field;
  damage_.some(field);
  forged_ |= field != before;
}

Bytes Forger::honest_word() {
  const SecretTree before = liar_.ratchets;
  Bytes word = liar_.as_private(
      liar_.sign(liar_.content(Plaintext::copy_of(as_bytes("word"))), WireFormat::private_message),
      world_.random);
  liar_.ratchets = before;
  return word;
}

// ---- frames ----

std::optional<Forger::Made> Forger::frame() {
  return made([&] {
    FramedContent content = liar_.content(Plaintext());
    damage_.some(content.epoch);
    content.authenticated_data = to_bytes(choices_.bytes());
    const auto type = static_cast<ContentType>(1 + choices_.below(3));
    LeafIndex speaker = liar_.leaf;  // whose keys we have, but not the signature
    damage_.some(speaker);
    content.sender = member(speaker);
    OddFrame frame;
    frame.head.group_id = content.group_id;
    frame.head.epoch = content.epoch;
    frame.head.content_type = type;
    frame.head.authenticated_data = content.authenticated_data;
    frame.plaintext = plaintext(std::move(content), type);
    const std::size_t skipped = choices_.octet() < 240 ? 0 : choices_.position(generations_skipped_max);
    forged_ |= skipped > ratchet_steps_max;
    skips_far_ = skipped > generations_skipped_near_max;
    const RatchetType ratchet =
        type == ContentType::application ? RatchetType::application : RatchetType::handshake;
    const auto next = [&] { return mls::testing::value_of(liar_.ratchets.next(speaker, ratchet)); };
    SecretTree::Sent sent = next();
    for (std::size_t i = 0; i < skipped; ++i) sent = next();
    frame.sender = {.leaf = speaker, .generation = sent.generation};
    damage_.some(frame.sender.leaf);
    damage_.some(frame.sender.generation);
    return seal(world_.suite, std::move(frame), *sent.key, liar_.secrets.sender_data_secret);
  });
}

// PrivateMessageContent: signed if it means anything.
Bytes Forger::plaintext(FramedContent content, ContentType type) {
  const Bytes body = type == ContentType::application
                         ? encode([&](Writer& out) { out.opaque(choices_.bytes()); })
                         : to_bytes(choices_.bytes());
  Reader reader(body);
  read_body(reader, type, content);
  FramedContentAuthData auth;
  if (reader.finish()) auth = liar_.sign(std::move(content), WireFormat::private_message).auth;
  forge(auth.signature);
  Bytes padding(choices_.octet());
  const Byte not_zero = choices_.octet();
  if (!padding.empty() && not_zero >= 192) padding[not_zero % padding.size()] = not_zero;
  forged_ |= std::ranges::any_of(padding, [](Byte byte) { return byte != 0; });
  Bytes out = body;
  append(out, encode([&](Writer& to) { write(to, auth, type); }));
  append(out, padding);
  if (damage_.some(out)) forged_ = false;  // it may have cut away what was wrong
  return out;
}

Bytes Forger::framed(AuthenticatedContent content, bool in_the_clear) {
  if (!in_the_clear) return liar_.as_private(content, world_.random);
  return liar_.as_public(std::move(content), {.membership_tag = [this](Bytes& tag) { forge(tag); }});
}

// ---- proposals ----

std::optional<Forger::Made> Forger::proposal() {
  return made([&] {
    FramedContent content = liar_.content(any_proposal());
    damage_.some(content);
    const bool in_the_clear = choices_.yes();
    AuthenticatedContent message = liar_.sign(
        std::move(content), in_the_clear ? WireFormat::public_message : WireFormat::private_message);
    forge(message.auth.signature);
    return framed(std::move(message), in_the_clear);
  });
}

Proposal Forger::any_proposal() {
  switch (choices_.below(8)) {
    case 0:
      return Add{key_package()};
    case 1:
      return Update{update()};
    case 2:
      return Remove{LeafIndex{choices_.below(12) < 9 ? choices_.octet() & 7U : UINT32_MAX}};
    case 3: {
      PreSharedKeyId id{.psk_id = known_psk_id, .psk_group_id = {}, .psk_nonce = Bytes(32, choices_.octet())};
      damage_.some(id);
      return PreSharedKey{std::move(id)};
    }
    case 4:
      return ReInit{.group_id = liar_.context.group_id, .cipher_suite = 1, .extensions = {}};
    case 5:
      return ExternalInit{.kem_output = to_bytes(choices_.bytes())};
    default:
      return GroupContextExtensions{extensions()};
  }
}

KeyPackage Forger::key_package() {
  const OwnKeyPackage& own = cast_.joiners[choices_.below(cast_.joiners.size())];
  KeyPackage out = own.key_package;
  if (damage_.some(out.leaf_node)) sign_leaf_node(out.leaf_node, own.signature_key, {});
  damage_.some(out.leaf_node);
  if (damage_.some(out)) sign_key_package(out, own.signature_key);
  damage_.some(out);
  return out;
}

LeafNode Forger::update() {
  LeafNode out = *liar_.tree.leaf(liar_.leaf);
  out.source = LeafNodeSource::update;
  out.encryption_key = hpke::generate_key_pair(hpke_of(world_.suite), world_.random).public_key;
  damage_.some(out);
  sign_leaf_node(out, liar_.signature_key, {.group_id = liar_.context.group_id, .leaf = liar_.leaf});
  damage_.some(out);
  return out;
}

Extensions Forger::extensions() {
  // What everybody here lists, so that it is the changes that are refused.
  const Types listed = {own_capabilities().extensions.back()};
  RequiredCapabilities required{.extensions = listed, .proposals = listed, .credentials = listed};
  damage_.some(required.extensions);
  damage_.some(required.proposals);
  damage_.some(required.credentials);
  Extensions out = {
      {extension_type::required_capabilities, encode([&](Writer& to) { write(to, required); })}};
  damage_.some(out);
  return out;
}

// ---- commits ----

std::optional<Forger::Made> Forger::commit(const std::vector<Known>& known) {
  return made([&] {
    Commit body;
    std::vector<ListedProposal> listed;
    const std::size_t wanted = choices_.octet();
    for (std::size_t i = 0; i < known.size() && i < 8; ++i) {
      if ((wanted >> i & 1) == 0) continue;
      body.proposals.emplace_back(known[i].ref);
      listed.push_back({known[i].proposal, known[i].sender});
    }
    for (std::size_t count = choices_.below(4); count > 0; --count) {
      const auto one = std::make_shared<const Proposal>(any_proposal());
      body.proposals.emplace_back(*one);
      listed.push_back({one, liar_.leaf});
    }
    const std::size_t how = choices_.octet();
    const bool in_the_clear = (how & 1) != 0;
    const bool with_path = (how & 6) != 0;
    const WireFormat format = in_the_clear ? WireFormat::public_message : WireFormat::private_message;
    const Lies lies = some_lies();
    return framed(liar_.draft(std::move(body), listed, outside_of(world_), lies, with_path, format).message,
                  in_the_clear);
  });
}

Lies Forger::some_lies() {
  const auto some = [this](auto& value) { damage_.some(value); };
  return {.path_key = some,
          .path_leaf = some,
          .signed_path_leaf = some,
          .path = some,
          .content = some,
          .confirmation_tag = [this](Bytes& tag) { forge(tag); }};
}

}  // namespace shearline::fuzz
