#include "actors/queries.hpp"

#include "base/encoding.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "policy/lifecycle.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace shearline::actors {
namespace {

using nlohmann::json;

Result<QueryAnswer> credential_state(ActorContext& context, const KnownState& known,
                                     const policy::Command& command) {
  if (!policy::is_id(command.credential)) return fail(Code::invalid, "name the credential (`credential`)");
  const Result<store::Record> record =
      context.store.get({store::Kind::credential, command.credential}, known.revision_of(command.credential));
  if (!record) {
    if (record.error().code != Code::not_found) return std::unexpected(record.error());
    return fail(Code::not_found, "there is no credential " + command.credential);
  }
  const Result<policy::Credential> credential = context.codec.decode_credential(record->payload);
  if (!credential) return std::unexpected(credential.error());
  const bool wanted =
      command.rotation_id.empty() ||
      (credential->rotation && credential->rotation->rotation_id.text() == command.rotation_id);
  QueryAnswer answer;
  answer.result_json = policy::credential_json(*credential);
  if (wanted && credential->rotation) {
    answer.rotation_json = policy::rotation_json(*credential, *credential->rotation);
  } else if (!command.rotation_id.empty()) {
    const auto ended = std::ranges::find_if(credential->ended, [&](const policy::EndedRotation& rotation) {
      return rotation.rotation_id.text() == command.rotation_id;
    });
    if (ended == credential->ended.end()) {
      return fail(Code::not_found, "the credential knows no rotation " + command.rotation_id);
    }
    answer.rotation_json = json{
        {"rotation_id", command.rotation_id},
        {"client_id", credential->client_id},
        {"state", policy::name_of(ended->outcome)},
        {"ended_at",
         ended->ended_at_ms}}.dump();
  }
  return answer;
}

// What happened, as the trail tells it: who, what, when, why.
Result<QueryAnswer> history(const KnownState& known, const policy::Command& command) {
  const std::string& subject = command.credential;
  if (!policy::is_id(subject)) return fail(Code::invalid, "name the credential (`credential`)");
  const std::size_t at_most = std::clamp<std::size_t>(command.params.limit, 1, events_told_max);
  const Result<EventsAbout> found = known.events_about(subject, at_most);
  if (!found) return std::unexpected(found.error());
  if (found->events.empty())
    return fail(Code::not_found, "the trail of this node says nothing about " + subject);
  json events = json::array();
  for (const std::string& event : found->events) events.push_back(json::parse(event, nullptr, false));
  return QueryAnswer{
      {}, json{{"client_id", subject}, {"events", std::move(events)}, {"more", found->more}}.dump()};
}

// The smallest ids after `after`, from one scan of each partition: the store keeps no order. Linear in the number of
// credentials, bounded in memory.
Result<QueryAnswer> list_credentials(ActorContext& context, const policy::Command& command,
                                     std::size_t limit) {
  std::set<std::string> page;
  const std::string prefix = std::string(store::name_of(store::Kind::credential)) + ":";
  for (unsigned partition = 0; partition < store::credential_partitions; ++partition) {
    const Status scanned = context.store.raw().scan(partition, [&](std::string_view field, ByteView) {
      if (!field.starts_with(prefix)) return;
      const std::string_view id = field.substr(prefix.size());
      if (id <= command.params.after || (page.size() > limit && id > *page.rbegin())) return;
      page.emplace(id);
      if (page.size() > limit + 1) page.erase(std::prev(page.end()));
    });
    if (!scanned) return std::unexpected(scanned.error());
  }
  const bool more = page.size() > limit;
  json items = json::array();
  for (const std::string& id : page) {
    if (items.size() == limit) break;
    const Result<store::Record> record = context.store.get({store::Kind::credential, id}, 0);
    if (!record) continue;  // not authentic: the replica raises the alarm, the list goes on
    const Result<policy::Credential> credential = context.codec.decode_credential(record->payload);
    if (!credential) continue;
    json item = {{"client_id", id},
                 {"kind", policy::name_of(credential->kind)},
                 {"status", policy::name_of(credential->status)},
                 {"environment", credential->metadata.environment},
                 {"group", credential->group}};
    if (credential->rotation) item["rotation"] = policy::name_of(credential->rotation->state);
    items.push_back(std::move(item));
  }
  return QueryAnswer{{}, json{{"credentials", std::move(items)}, {"more", more}}.dump()};
}

QueryAnswer list_groups(const Directory& directory, const policy::Command& command, std::size_t limit) {
  json items = json::array();
  bool more = false;
  directory.for_each_group([&](const policy::Group& group) {
    if (group.group_id <= command.params.after) return;
    if (items.size() == limit) {
      more = true;
      return;
    }
    items.push_back(
        {{"group_id", group.group_id}, {"generation", group.generation}, {"members", group.members}});
  });
  return {{}, json{{"groups", std::move(items)}, {"more", more}}.dump()};
}

QueryAnswer list_admins(const Directory& directory, const policy::Command& command, std::size_t limit) {
  json items = json::array();
  bool more = false;
  directory.for_each_admin([&](const policy::Admin& admin) {
    if (admin.admin_id <= command.params.after) return;
    if (items.size() == limit) {
      more = true;
      return;
    }
    items.push_back({{"admin_id", admin.admin_id},
                     {"person", admin.person},
                     {"founding", admin.founding},
                     {"revoked", admin.revoked},
                     {"environments", admin.environments},
                     {"tenants", admin.tenants},
                     {"signing_key", base64url(admin.signing_key)},
                     {"sealing_key", base64url(admin.sealing_key)}});
  });
  return {{}, json{{"admins", std::move(items)}, {"more", more}}.dump()};
}

}  // namespace

Result<QueryAnswer> answer_query(ActorContext& context, const Directory& directory, const KnownState& known,
                                 const policy::Command& command) {
  if (command.verb == policy::Verb::status) return credential_state(context, known, command);
  if (command.verb == policy::Verb::history) return history(known, command);
  const std::size_t limit = std::clamp<std::uint32_t>(command.params.limit, 1, list_page_max);
  const std::string& what = command.params.what;
  if (what.empty() || what == "credentials") return list_credentials(context, command, limit);
  if (what == "groups") return list_groups(directory, command, limit);
  if (what == "admins") return list_admins(directory, command, limit);
  return fail(Code::invalid, "list knows credentials, groups and admins");
}

}  // namespace shearline::actors
