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

// What happened, as the trail tells it: who, what, when, why.
Result<QueryAnswer> history(const KnownState& known, const policy::Command& command) {
  const std::string& subject = command.credential;
  if (!policy::is_id(subject)) return fail(Code::invalid, "name the credential (`credential`)");
  const std::size_t at_most = std::clamp<std::size_t>(command.params.limit, 1, events_told_max);
  // The trail is one file: whoever asks about what was never there must not make us read all of it.
  if (known.revision_of(subject) == 0) return fail(Code::not_found, "there is no credential " + subject);
  const Result<EventsAbout> found = known.events_about(subject, command.params.after, at_most);
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
  Page out(limit);
  for (const std::string& id : page) {
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
