// RFC 9420 section 12.1: the proposals, and how a commit refers to them. All kinds are read and written; which
// are acceptable is decided by proposal_list.
#pragma once

#include "mls/key_package.hpp"
#include "mls/psk.hpp"

#include <variant>

namespace shearline::mls {

enum class ProposalType : std::uint16_t {
  add = 1,
  update = 2,
  remove = 3,
  psk = 4,
  reinit = 5,
  external_init = 6,
  group_context_extensions = 7,
};

struct Add {
  KeyPackage key_package;
  bool operator==(const Add&) const = default;
};
struct Update {
  LeafNode leaf_node;
  bool operator==(const Update&) const = default;
};
struct Remove {
  LeafIndex removed;
  bool operator==(const Remove&) const = default;
};

struct PreSharedKey {
  PreSharedKeyId psk;
  bool operator==(const PreSharedKey&) const = default;
};
struct ReInit {
  Bytes group_id;
  std::uint16_t version = protocol_version_mls10;
  std::uint16_t cipher_suite = 0;
  Extensions extensions;
  bool operator==(const ReInit&) const = default;
};
struct ExternalInit {
  Bytes kem_output;
  bool operator==(const ExternalInit&) const = default;
};
struct GroupContextExtensions {
  Extensions extensions;
  bool operator==(const GroupContextExtensions&) const = default;
};

// Section 12.1, in the order of ProposalType.
using Proposal =
    std::variant<Add, Update, Remove, PreSharedKey, ReInit, ExternalInit, GroupContextExtensions>;
inline ProposalType type_of(const Proposal& proposal) {
  return static_cast<ProposalType>(proposal.index() + 1);
}
void write(Writer& out, const Proposal& value);
Proposal read_proposal(Reader& in);

// ---- 12.4 ----

// Hash of the AuthenticatedContent that carried the proposal (section 5.2).
using ProposalRef = Bytes;
using ProposalOrRef = std::variant<Proposal, ProposalRef>;
void write(Writer& out, const ProposalOrRef& value);
ProposalOrRef read_proposal_or_ref(Reader& in);

}  // namespace shearline::mls
