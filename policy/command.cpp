#include "policy/command.hpp"

#include "base/encoding.hpp"
#include "policy/command_names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace shearline::policy {
namespace {

using nlohmann::json;
using Name = std::string_view;

constexpr std::array<Name, 6> create_params = {"kind",  "metadata",       "group",
                                               "class", "api_key_prefix", "expires_at"};
constexpr std::array<Name, 7> import_params = {"kind",           "metadata",   "group", "class",
                                               "api_key_prefix", "expires_at", "items"};
constexpr std::array<Name, 4> rotate_params = {"grace_ms", "not_before", "emergency", "supersede"};
constexpr std::array<Name, 1> ack_params = {"ack_tag"};
constexpr std::array<Name, 1> revoke_params = {"version_id"};
constexpr std::array<Name, 3> list_params = {"what", "after", "limit"};
constexpr std::array<Name, 2> history_params = {"after", "limit"};
constexpr std::array<Name, 2> group_params = {"group", "members"};
constexpr std::array<Name, 8> enroll_params = {
    "admin_id",          "person",       "signing_key", "sealing_key",
    "sealing_key_proof", "environments", "tenants",     "expires_at"};

constexpr std::array<VerbForm, 13> forms = {{
    {Verb::credential_create, "credential.create", create_params, true},
    {Verb::credential_import, "credential.import", import_params, false},
    {Verb::rotate, "rotate", rotate_params, true},
    {Verb::ack, "ack", ack_params, true},
    {Verb::promote, "promote", {}, true},
    {Verb::cancel, "cancel", {}, true},
    {Verb::revoke, "revoke", revoke_params, true},
    {Verb::status, "status", {}, true},
    {Verb::list, "list", list_params, false},
    {Verb::history, "history", history_params, true},
    {Verb::group_create, "group.create", group_params, false},
    {Verb::group_add, "group.add", group_params, false},
    {Verb::admin_enroll, "admin.enroll", enroll_params, false},
}};
static_assert([] {
  for (std::size_t i = 0; i < forms.size(); ++i) {
    if (forms[i].verb != static_cast<Verb>(i)) return false;
  }
  return true;
}());

constexpr std::array<Name, 17> planned = {"credential.update", "credential.suspend",
                                          "credential.resume", "credential.destroy",
                                          "approve",           "reject",
                                          "rollback",          "group.remove",
                                          "group.update",      "keypackage.publish",
                                          "admin.grant",       "admin.revoke",
                                          "gateway.enroll",    "gateway.revoke",
                                          "policy.set",        "pepper.add",
                                          "pepper.promote"};

json metadata_json(const Metadata& metadata) {
  json out = json::object();
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  put("owner", metadata.owner);
  put("service", metadata.service);
  put("environment", metadata.environment);
  put("tenant", metadata.tenant);
  put("data_classification", metadata.data_classification);
  if (metadata.rotation_period_ms != 0) out["rotation_period_ms"] = metadata.rotation_period_ms;
  return out;
}

json items_json(const std::vector<ImportItem>& items) {
  json out = json::array();
  for (const ImportItem& item : items) {
    Bytes sealed = item.encapsulated;
    append(sealed, item.ciphertext);
    json one = {{"client_id", item.client_id}, {"sealed", base64url(sealed)}};
    if (item.insist) one["insist"] = true;
    out.push_back(std::move(one));
  }
  return out;
}

// Every param that has a value; which of them the verb takes is decided by its form.
json all_params(const Params& params) {
  json out = json::object();
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  if (params.kind) out["kind"] = name_of(*params.kind);
  if (params.metadata != Metadata{}) out["metadata"] = metadata_json(params.metadata);
  put("group", params.group);
  put("class", params.credential_class);
  put("api_key_prefix", params.api_key_prefix);
  if (!params.items.empty()) out["items"] = items_json(params.items);
  if (params.expires_at_ms) out["expires_at"] = *params.expires_at_ms;
  if (params.grace_ms) out["grace_ms"] = *params.grace_ms;
  if (params.not_before_ms) out["not_before"] = *params.not_before_ms;
  if (params.emergency) out["emergency"] = true;
  if (params.supersede) out["supersede"] = true;
  put("version_id", params.version_id);
  if (!params.ack_tag.empty()) out["ack_tag"] = base64url(params.ack_tag);
  if (!params.members.empty()) out["members"] = params.members;
  put("admin_id", params.admin_id);
  put("person", params.person);
  out["signing_key"] = base64url(params.signing_key);
  out["sealing_key"] = base64url(params.sealing_key);
  out["sealing_key_proof"] = base64url(params.sealing_key_proof);
  if (!params.environments.empty()) out["environments"] = params.environments;
  if (!params.tenants.empty()) out["tenants"] = params.tenants;
  put("what", params.what);
  put("after", params.after);
  if (params.limit != Params{}.limit) out["limit"] = params.limit;
  return out;
}

}  // namespace

std::span<const VerbForm> verb_forms() { return forms; }
const VerbForm& form_of(Verb verb) { return forms[static_cast<std::size_t>(verb)]; }
bool is_planned_command(std::string_view name) { return std::ranges::find(planned, name) != planned.end(); }

std::string_view name_of(Verb verb) { return form_of(verb).name; }

std::optional<Verb> verb_from(std::string_view name) {
  const auto found = std::ranges::find(forms, name, &VerbForm::name);
  if (found == forms.end()) return std::nullopt;
  return found->verb;
}

std::string audience_of(std::string_view deployment) { return "shearline:" + std::string(deployment); }

std::string encode_command(const Command& command) {
  json claims = {{"aud", command.audience},
                 {"iat", command.issued_at_ms / 1000},
                 {"exp", command.expires_at_ms / 1000},
                 {"jti", command.jti.text()},
                 {"cmd", name_of(command.verb)}};
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) claims[name] = value;
  };
  put("credential", command.credential);
  put("rotation_id", command.rotation_id);
  put("reason", command.reason);
  put("justification", command.justification);
  put("ticket", command.ticket);
  put("correlation_id", command.correlation_id);

  json params = json::object();
  json all = all_params(command.params);
  for (const std::string_view name : form_of(command.verb).params) {
    if (const auto found = all.find(std::string(name)); found != all.end()) {
      params[std::string(name)] = std::move(*found);
    }
  }
  if (!params.empty()) claims["params"] = std::move(params);
  return claims.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace shearline::policy
