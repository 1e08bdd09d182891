// A command as an admin signs it and an answer as the engine signs it (design: protocols.md section 3), as
// plain structs with their JSON forms. What carries a secret, seed or token in the clear is refused while
// decoding.
#pragma once

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/ulid.hpp"
#include "policy/model.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::policy {

inline constexpr std::int64_t command_lifetime_max_ms = 300'000;
inline constexpr std::int64_t command_leeway_ms = 30'000;
inline constexpr std::int64_t answer_kept_after_exp_ms = 10 * 60'000;
inline constexpr std::size_t import_items_max = 1000;

enum class Verb : std::uint8_t {
  credential_create,
  credential_import,
  rotate,
  ack,
  promote,
  cancel,
  revoke,
  status,
  list,
  history,
  group_create,
  group_add,
  admin_enroll,
};
std::string_view name_of(Verb verb);  // "credential.create"
// Names the design knows but this engine does not do yet (`approve`, `rollback`, `pepper.add` ...) parse to
// nothing; decode_command answers policy_violation for them and names the command.
std::optional<Verb> verb_from(std::string_view name);

struct ImportItem {
  std::string client_id;
  Bytes encapsulated;   // HPKE enc, 32 bytes
  Bytes ciphertext;     // HPKE ct over the secret's UTF-8 bytes
  bool insist = false;  // shorter than 22 characters, and the operator knows
};

struct Params {
  // credential.create, credential.import
  std::optional<CredentialKind> kind;
  Metadata metadata;
  std::string group;
  std::string credential_class;  // empty: default
  std::string api_key_prefix;
  std::vector<ImportItem> items;
  std::optional<TimeMs> expires_at_ms;
  // rotate
  std::optional<std::int64_t> grace_ms;
  std::optional<TimeMs> not_before_ms;
  bool emergency = false;
  bool supersede = false;
  // ack, promote, cancel, revoke
  std::string version_id;  // revoke: one version; empty: all of them
  Bytes ack_tag;
  // group.create, group.add
  std::vector<std::string> members;
  // admin.enroll
  std::string admin_id;
  std::string person;
  PublicKey signing_key{};
  PublicKey sealing_key{};
  Signature sealing_key_proof{};
  std::set<std::string> environments;
  std::set<std::string> tenants;
  // list, history
  std::string what;   // list: "credentials" (default), "groups", "admins"
  std::string after;  // list: continue after this id
  std::uint32_t limit = 100;
};

struct Command {
  std::string kid;  // admin id, from the header
  std::string audience;
  TimeMs issued_at_ms = 0;
  TimeMs expires_at_ms = 0;
  Ulid jti;
  Verb verb = Verb::status;
  std::string credential;  // client id; for group.* the group id stands in `group` of params
  std::string rotation_id;
  std::string reason;
  std::string justification;
  std::string ticket;
  std::string correlation_id;
  Params params;
  Hash hash{};  // SHA-256 of the whole compact JWS
};

std::string audience_of(std::string_view deployment);  // "shearline:" + name

// Claims as they are signed. Times on the wire are seconds (RFC 7519 NumericDate).
std::string encode_command(const Command& command);
// Checks shape only: required claims, types, limits, nothing in the clear. Who and when is authority's work.
Result<Command> decode_command(std::string_view claims_json);

enum class AnswerStatus : std::uint8_t { accepted, done, rejected };

struct Answer {
  Ulid jti;
  Hash command_hash{};
  AnswerStatus status = AnswerStatus::rejected;
  Code code = Code::internal_error;
  std::string detail;      // a sentence for people
  std::string durability;  // what the store promises: "aof-always", "aof-everysec", "none"
  std::string
      rotation_json;  // JSON object with rotation_id, version_id, state, acks, deadline ...; empty: none
  std::string result_json;  // reads: the JSON asked for; empty: none
};
std::string encode_answer(const Answer& answer);
Result<Answer> decode_answer(std::string_view claims_json);

}  // namespace shearline::policy
