#include "actors/queries.hpp"

#include "base/encoding.hpp"
#include "io/wire/record.hpp"
#include "policy/authority.hpp"
#include "policy/lifecycle.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <set>

namespace shearline::actors {
namespace {

using nlohmann::json;

constexpr std::size_t history_outbox_events_max =
    4096;  // looked through for events on their way to the trail

// A command that reads, with all it takes to answer it. The admin is a copy: the answer waits for the store, and meanwhile
// the directory goes on.
struct Asked {
  ActorContext& context;
  const KnownState& known;
  policy::Admin admin;
  const policy::Command& command;
};

// A page of a list: as many items as asked for, and no more than one answer can carry.
class Page {
 public:
  explicit Page(std::size_t limit) : limit_(limit) {}
  bool add(json item) {  // false: it is full, and there is more
    const std::size_t bytes = item.dump().size() + 1;
    if (items_.size() == limit_ || bytes_ + bytes > answer_bytes_max) more_ = true;
    if (more_) return false;
    bytes_ += bytes;
    items_.push_back(std::move(item));
    return true;
  }
  bool full() const { return more_; }
  QueryAnswer answer(const char* what, bool more_elsewhere = false) {
    return {{}, json{{what, std::move(items_)}, {"more", more_ || more_elsewhere}}.dump()};
  }

 private:
  std::size_t limit_;
  std::size_t bytes_ = 0;
  bool more_ = false;
  json items_ = json::array();
};

// The credential that the command is about, if its sender may know of it.
Result<policy::Credential> credential_asked_for(const Asked& asked) {
  const policy::Command& command = asked.command;
  if (!policy::is_id(command.credential)) return fail(Code::invalid, "name the credential (`credential`)");
  Result<policy::Credential> credential =
      fail(Code::not_found, "there is no credential " + command.credential);
  const Result<store::Record> record = asked.context.store.get({store::Kind::credential, command.credential},
                                                               asked.known.revision_of(command.credential));
  if (record) {
    credential = asked.context.codec.decode_credential(record->payload);
  } else if (record.error().code != Code::not_found) {
    credential = std::unexpected(record.error());
  }
  const Status permitted = policy::permit(asked.admin, command, credential ? &credential->metadata : nullptr,
                                          asked.context.rules, {}, asked.context.clock.now_ms());
  return permitted ? std::move(credential) : std::unexpected(permitted.error());
}

Result<QueryAnswer> credential_state(const Asked& asked) {
  const policy::Command& command = asked.command;
  const Result<policy::Credential> credential = credential_asked_for(asked);
  if (!credential) return std::unexpected(credential.error());
  QueryAnswer answer;
  if (!command.rotation_id.empty()) {
    std::optional<std::string> rotation = policy::find_rotation_json(*credential, command.rotation_id);
    if (!rotation) return fail(Code::not_found, "the credential knows no rotation " + command.rotation_id);
    answer.rotation_json = std::move(*rotation);
  } else if (credential->rotation) {
    answer.rotation_json = policy::rotation_json(*credential, *credential->rotation);
  }
  const std::size_t rotation_bytes = std::min(answer.rotation_json.size(), answer_bytes_max);
  answer.result_json = policy::credential_json(*credential, answer_bytes_max - rotation_bytes);
  return answer;
}

// Events about a credential that are in the store and not yet, or not certainly, in the trail.
Result<EventIds> events_waiting(ActorContext& context, const std::string& client_id) {
  const auto outbox = context.store.outbox(store::partition_of(client_id), history_outbox_events_max);
  if (!outbox) return std::unexpected(outbox.error());
  EventIds ids;
  for (const store::SealedStore::Event& one : *outbox) {
    const Result<policy::AuditEvent> event = wire::decode_event(one.event);
    if (event && event->subject == client_id) ids.insert(event->id);
  }
  return ids;
}

// What happened, as the trail tells it: who, what, when, why. Each node that held the lease has a part of the trail; the
// record counts all of its events, so this node knows whether it has them; of a record without a count it does not. Read
// in the order in which events move (record and outbox, then trail), so that none is missed on its way.
Result<QueryAnswer> history(const Asked& asked) {
  const policy::Command& command = asked.command;
  const Result<policy::Credential> credential = credential_asked_for(asked);
  if (!credential) return std::unexpected(credential.error());
  Result<EventIds> waiting = events_waiting(asked.context, command.credential);
  if (!waiting) return std::unexpected(waiting.error());
  const std::size_t at_most = std::clamp<std::size_t>(command.params.limit, 1, events_told_max);
  const Result<EventsAbout> found =
      asked.known.events_about(command.credential, command.params.after, at_most);
  if (!found) return std::unexpected(found.error());
  std::erase_if(*waiting, [&](const std::string& id) { return found->ids.contains(id); });
  const std::uint64_t here = found->ids.size() + waiting->size();
  const std::uint64_t elsewhere = credential->events_written > here ? credential->events_written - here : 0;
  json events = json::array();
  for (const std::string& event : found->events) events.push_back(json::parse(event, nullptr, false));
  json told = {{"client_id", command.credential},
               {"node", asked.context.node},
               {"events", std::move(events)},
               {"more", found->more},
               {"complete", credential->events_written > 0 && elsewhere == 0}};
  if (elsewhere > 0) told["events_elsewhere"] = elsewhere;
  if (!waiting->empty()) told["events_waiting"] = waiting->size();
  return QueryAnswer{{}, told.dump()};
}

// Whether what stands in the store under this key is a credential within the grants.
bool may_see(const Asked& asked, const store::RecordName& name, ByteView value) {
  const Result<store::RecordView> record = asked.context.store.sealer().open(name, value);
  if (!record) return false;
  const Result<policy::Credential> credential = asked.context.codec.decode_credential(record->payload);
  return credential && policy::may_see(asked.admin, credential->metadata);
}

// The smallest ids after `after`, from one scan of each partition: the store keeps no order. Linear in the number of
// credentials, bounded in memory.
Result<QueryAnswer> list_credentials(const Asked& asked, std::size_t limit) {
  ActorContext& context = asked.context;
  const std::string& after = asked.command.params.after;
  std::set<std::string> page;
  for (unsigned partition = 0; partition < store::credential_partitions; ++partition) {
    const auto look_at = [&](const store::RawRecord& record) {
      const std::optional<store::RecordName> name = store::RecordName::from_field(record.field);
      if (!name || name->kind != store::Kind::credential) return;
      if (name->id <= after || (page.size() > limit && name->id > *page.rbegin())) return;
      if (policy::has_grants(asked.admin) && !may_see(asked, *name, record.value)) return;
      page.emplace(name->id);
      if (page.size() > limit + 1) page.erase(std::prev(page.end()));
    };
    const Status scanned = context.store.raw().scan(
        partition,
        [&](std::span<const store::RawRecord> records) { std::ranges::for_each(records, look_at); });
    if (!scanned) return std::unexpected(scanned.error());
  }
  const bool more = page.size() > limit;
  Page out(limit);
  for (const std::string& id : page) {
    const Result<store::Record> record = context.store.get({store::Kind::credential, id}, 0);
    if (!record) continue;  // not authentic: the replica raises the alarm, the list goes on
    const Result<policy::Credential> credential = context.codec.decode_credential(record->payload);
    if (!credential || !policy::may_see(asked.admin, credential->metadata)) continue;
    json item = {{"client_id", id},
                 {"kind", policy::name_of(credential->kind)},
                 {"status", policy::name_of(credential->status)},
                 {"environment", credential->metadata.environment},
                 {"group", credential->group}};
    if (credential->rotation) item["rotation"] = policy::name_of(credential->rotation->state);
    if (!out.add(std::move(item))) break;
  }
  return out.answer("credentials", more);
}

QueryAnswer list_groups(const Directory& directory, const policy::Command& command, std::size_t limit) {
  Page page(limit);
  directory.for_each_group([&](const policy::Group& group) {
    if (group.group_id <= command.params.after || page.full()) return;
    page.add({{"group_id", group.group_id}, {"generation", group.generation}, {"members", group.members}});
  });
  return page.answer("groups");
}

QueryAnswer list_admins(const Directory& directory, const policy::Command& command, std::size_t limit) {
  Page page(limit);
  directory.for_each_admin([&](const policy::Admin& admin) {
    if (admin.admin_id <= command.params.after || page.full()) return;
    page.add({{"admin_id", admin.admin_id},
              {"person", admin.person},
              {"founding", admin.founding},
              {"revoked", admin.revoked},
              {"environments", admin.environments},
              {"tenants", admin.tenants},
              {"signing_key", base64url(admin.signing_key)},
              {"sealing_key", base64url(admin.sealing_key)}});
  });
  return page.answer("admins");
}

}  // namespace

Result<QueryAnswer> answer_query(ActorContext& context, const Directory& directory, const KnownState& known,
                                 const policy::Command& command) {
  const policy::Admin* admin = directory.find_admin(command.kid);
  if (admin == nullptr) return fail(Code::unauthorized, "not allowed");
  const Asked asked{context, known, *admin, command};
  if (command.verb == policy::Verb::status) return credential_state(asked);
  if (command.verb == policy::Verb::history) return history(asked);
  const std::size_t limit = std::clamp<std::uint32_t>(command.params.limit, 1, list_page_max);
  const std::string& what = command.params.what;
  if (what.empty() || what == "credentials") return list_credentials(asked, limit);
  if (what == "groups") return list_groups(directory, command, limit);
  if (what == "admins") return list_admins(directory, command, limit);
  return fail(Code::invalid, "list knows credentials, groups and admins");
}

}  // namespace shearline::actors
