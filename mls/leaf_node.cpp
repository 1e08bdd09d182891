#include "mls/leaf_node.hpp"

namespace shearline::mls {
namespace {

constexpr std::string_view leaf_label = "LeafNodeTBS";

void write_unsigned(Writer& out, const LeafNode& value) {
  out.opaque(value.encryption_key);
  out.opaque(value.signature_key);
  write(out, value.credential);
  write(out, value.capabilities);
  out.u8(static_cast<std::uint8_t>(value.source));
  if (value.source == LeafNodeSource::key_package) {
    out.u64(value.lifetime.not_before);
    out.u64(value.lifetime.not_after);
  } else if (value.source == LeafNodeSource::commit) {
    out.opaque(value.parent_hash);
  }
  write(out, value.extensions);
}

void write_tbs(Writer& out, const LeafNode& leaf, const LeafPosition& position) {
  write_unsigned(out, leaf);
  if (leaf.source == LeafNodeSource::key_package) return;
  out.opaque(position.group_id);
  out.u32(position.leaf.value);
}

}  // namespace

Credential basic_credential(ByteView identity) {
  Credential out;
  out.identity = to_bytes(identity);
  return out;
}

void write(Writer& out, const Credential& value) {
  out.u16(value.type);
  if (value.type == credential_type::basic) {
    out.opaque(value.identity);
  } else {
    out.vector([&] {
      for (const Bytes& certificate : value.certificates) out.opaque(certificate);
    });
  }
}

Credential read_credential(Reader& in) {
  Credential out;
  out.type = in.u16();
  if (out.type == credential_type::basic) {
    out.identity = in.opaque(identity_bytes_max, "5.3", "the identity is longer than 4 KiB");
  } else if (out.type == credential_type::x509) {
    in.vector([&](Reader& element) {
      if (out.certificates.size() == certificates_max) element.fail("5.3", "more than 16 certificates");
      out.certificates.push_back(element.opaque());
    });
  } else {
    in.fail("5.3", "a credential that is neither basic nor x509");
  }
  return out;
}

void write(Writer& out, const Capabilities& value) {
  write_types(out, value.versions);
  write_types(out, value.cipher_suites);
  write_types(out, value.extensions);
  write_types(out, value.proposals);
  write_types(out, value.credentials);
}

Capabilities read_capabilities(Reader& in) {
  Capabilities out;
  out.versions = read_types(in);
  out.cipher_suites = read_types(in);
  out.extensions = read_types(in);
  out.proposals = read_types(in);
  out.credentials = read_types(in);
  return out;
}

void write(Writer& out, const LeafNode& value) {
  write_unsigned(out, value);
  out.opaque(value.signature);
}

LeafNode read_leaf_node(Reader& in) {
  LeafNode out;
  out.encryption_key = in.opaque();
  out.signature_key = in.opaque();
  out.credential = read_credential(in);
  out.capabilities = read_capabilities(in);
  out.source = in.enumerated(LeafNodeSource::key_package, LeafNodeSource::commit, "7.2",
                             "an unknown leaf_node_source");
  if (out.source == LeafNodeSource::key_package) {
    out.lifetime.not_before = in.u64();
    out.lifetime.not_after = in.u64();
  } else if (out.source == LeafNodeSource::commit) {
    out.parent_hash = in.opaque();
  }
  out.extensions = read_extensions(in);
  out.signature = in.opaque();
  return out;
}

void sign_leaf_node(LeafNode& leaf, const SignaturePrivateKey& key, const LeafPosition& position) {
  leaf.signature = sign_with_label(key, leaf_label, [&](Writer& out) { write_tbs(out, leaf, position); });
}

bool leaf_signature_is_valid(CipherSuite suite, const LeafNode& leaf, const LeafPosition& position) {
  return verify_with_label(suite, leaf.signature_key, leaf_label, leaf.signature,
                           [&](Writer& out) { write_tbs(out, leaf, position); });
}

}  // namespace shearline::mls
