// Layout version 1 of records, and what their codecs share. Private to this room.
//
// A field at its usual value (empty, zero, never, false) is left out; ULIDs, hashes and keys are bin; times are
// Unix milliseconds; enums are their names from policy/model.
//
//   every record  v layout version, t type of record: "credential", "admin" or "group"
//   credential    id client_id, k kind, s status, md metadata, g group, cl class, px api_key_prefix,
//                 fk foreign_key_lookup, fp secret_fingerprint, ca created_at, lr last_rotated, ex expires_at,
//                 vs versions, ro rotation, en ended, an answered
//   metadata      o owner, sv service, e environment, t tenant, dc data_classification, rp rotation_period
//   version       id version_id, a algorithm, pk mac_key_ref, d digest, s state, ca created_at, nb not_before,
//                 na not_after, pa promoted_at, ea ended_at, by created_by, r reason, w weak
//   rotation      id rotation_id, ver version_id, s state, cr creation, em emergency, su supersede,
//                 by requester, r reason, j justification, tk ticket, co correlation_id, gr grace,
//                 q quorum_required, ak acks, tf admins the tags are for, tg the sealed tags, ra requested_at,
//                 nb not_before, no notified_at, dl deadline, pr promoted_at, ei envelope_id, env envelope
//   ended         [rotation_id, outcome, ended_at]
//   answered      [jti, command_hash, answer, keep_until]
//   admin         id admin_id, p person, sk signing_key, xk sealing_key, xp sealing_key_proof, e environments,
//                 tn tenants, f founding, x revoked, ea enrolled_at, ex expires_at, by enrolled_by, an answered
//   group         id group_id, gn generation, m members, ca created_at, by created_by, an answered
#pragma once

#include "base/ulid.hpp"
#include "io/wire/document.hpp"
#include "io/wire/msgpack_writer.hpp"
#include "policy/model.hpp"

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::wire {

inline constexpr std::uint64_t record_layout_version = 1;

MapWriter begin_record(std::string_view type);
// Version and type of a record, before anything else of it is read.
Status check_record_head(const Fields& fields, std::string_view what, std::string_view type);

// Parses, checks version and type, hands the fields to `read`, and turns the first fault into an error.
template <class T, class Read>
Result<T> decode_record(ByteView payload, std::string_view type, const Read& read) {
  const std::string what = std::string(type) + " record";
  const Result<Document> document = Document::parse(payload);
  if (!document) return fail(Code::invalid, what + ": " + document.error().message);
  Fault fault;
  const Fields fields(Item(*document, 0), what, fault);
  if (const Status head = check_record_head(fields, what, type); !head) return std::unexpected(head.error());
  T out = read(fields);
  if (fault.found()) return fail(Code::invalid, fault.message());
  return out;
}

void write_ulid(MapWriter& map, std::string_view name, const Ulid& ulid);  // left out when none
Ulid read_ulid(const Fields& fields, std::string_view name);
std::optional<Ulid> ulid_of(const Value& value);
std::set<std::string> read_set(const Fields& fields, std::string_view name);

void write_answered(MapWriter& map, const std::vector<policy::AnsweredCommand>& answered);
std::vector<policy::AnsweredCommand> read_answered(const Fields& fields);

// By name, so that a value added in the middle of an enum does not change what is stored.
template <class Enum>
Enum enum_from(std::string_view name, Enum last, const Fields& fields, std::string_view field) {
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (name_of(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
  }
  fields.wrong(field, "has an unknown value");
  return last;
}

template <class Enum>
Enum read_enum(const Fields& fields, std::string_view field, Enum last) {
  return enum_from(as_text(fields.text_view(field)), last, fields, field);
}

// The items of a small fixed array, when their types are the expected ones.
template <std::size_t N>
std::optional<std::array<Value, N>> read_tuple(const Item& item, const std::array<Value::Type, N>& types) {
  if (!item.is(Value::Type::array) || item.count() != N) return std::nullopt;
  std::array<Value, N> out;
  Item at = item.first();
  for (std::size_t i = 0; i < N; ++i, at = at.next()) {
    if (!at.is(types[i])) return std::nullopt;
    out[i] = at.value();
  }
  return out;
}

}  // namespace shearline::wire
