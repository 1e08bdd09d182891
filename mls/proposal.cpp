#include "mls/proposal.hpp"

namespace shearline::mls {
namespace {

constexpr std::uint8_t by_value = 1;
constexpr std::uint8_t by_reference = 2;

void write_body(Writer& out, const Add& value) { write(out, value.key_package); }
void write_body(Writer& out, const Update& value) { write(out, value.leaf_node); }
void write_body(Writer& out, const Remove& value) { out.u32(value.removed.value); }
void write_body(Writer& out, const PreSharedKey& value) { write(out, value.psk); }
void write_body(Writer& out, const ReInit& value) {
  out.opaque(value.group_id);
  out.u16(value.version);
  out.u16(value.cipher_suite);
  write(out, value.extensions);
}
void write_body(Writer& out, const ExternalInit& value) { out.opaque(value.kem_output); }
void write_body(Writer& out, const GroupContextExtensions& value) { write(out, value.extensions); }

ReInit read_reinit(Reader& in) {
  ReInit out;
  out.group_id = in.opaque();
  out.version = in.u16();
  out.cipher_suite = in.u16();
  out.extensions = read_extensions(in);
  return out;
}

}  // namespace

void write(Writer& out, const Proposal& value) {
  out.u16(static_cast<std::uint16_t>(type_of(value)));
  std::visit([&](const auto& body) { write_body(out, body); }, value);
}

Proposal read_proposal(Reader& in) {
  switch (in.enumerated(ProposalType::add, ProposalType::group_context_extensions, "12.1",
                        "an unknown type of proposal")) {
    case ProposalType::add:
      return Add{read_key_package(in)};
    case ProposalType::update:
      return Update{read_leaf_node(in)};
    case ProposalType::remove:
      return Remove{LeafIndex{in.u32()}};
    case ProposalType::psk:
      return PreSharedKey{read_pre_shared_key_id(in)};
    case ProposalType::reinit:
      return read_reinit(in);
    case ProposalType::external_init:
      return ExternalInit{in.opaque()};
    case ProposalType::group_context_extensions:
      return GroupContextExtensions{read_extensions(in)};
  }
  return Remove{};
}

void write(Writer& out, const ProposalOrRef& value) {
  if (const Proposal* const proposal = std::get_if<Proposal>(&value)) {
    out.u8(by_value);
    write(out, *proposal);
  } else {
    out.u8(by_reference);
    out.opaque(std::get<ProposalRef>(value));
  }
}

ProposalOrRef read_proposal_or_ref(Reader& in) {
  const std::uint8_t type = in.u8();
  if (type == by_value) return read_proposal(in);
  if (type != by_reference) in.fail("12.4", "a proposal that is neither by value nor by reference");
  return in.opaque();
}

}  // namespace shearline::mls
