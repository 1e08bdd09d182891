#include "base/nearest.hpp"
#include "base/strict_json.hpp"
#include "policy/claims_reader.hpp"
#include "policy/command.hpp"
#include "policy/command_names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>

namespace shearline::policy {
namespace {

using nlohmann::json;

constexpr std::size_t short_text_max = 128;
constexpr std::size_t reason_bytes_max = 512;
constexpr std::size_t justification_bytes_max = 2048;
constexpr std::size_t list_limit_max = 1000;
constexpr std::size_t grants_max = 64;
constexpr std::size_t key_prefix_bytes_max = 12;
constexpr std::size_t hpke_enc_bytes = 32;
constexpr std::size_t hpke_tag_bytes = 16;
constexpr std::int64_t year_ms = 366LL * 24 * 3600 * 1000;

// What these names hold must never travel in the clear (security.md "Never"). Compared in lower case with
// `-` as `_`, so that no spelling slips through.
constexpr std::array<std::string_view, 20> clear_names = {
    "secret",       "secrets",   "client_secret", "api_key",     "apikey",
    "password",     "passwd",    "passphrase",    "token",       "access_token",
    "seed",         "pepper",    "kek",           "private_key", "refresh_token",
    "signing_seed", "totp_seed", "secret_key",    "x_api_key",   "credential_secret"};

std::string normalised(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// The first name anywhere below that would carry a secret, or null. The depth is bounded by the parser.
const std::string* find_clear_name(const json& value) {
  if (value.is_object()) {
    for (auto it = value.begin(); it != value.end(); ++it) {
      if (std::ranges::find(clear_names, normalised(it.key())) != clear_names.end()) return &it.key();
    }
  }
  if (!value.is_structured()) return nullptr;
  for (const json& inner : value) {
    if (const std::string* name = find_clear_name(inner)) return name;
  }
  return nullptr;
}

Metadata read_metadata(const json& object, std::optional<Error>& fault) {
  ClaimsReader reader(object, "params.metadata.", fault);
  reader.only(metadata_names, "the metadata of a credential");
  Metadata metadata;
  metadata.owner = reader.text("owner", short_text_max);
  metadata.service = reader.text("service", short_text_max);
  metadata.environment = reader.text("environment", short_text_max);
  metadata.tenant = reader.text("tenant", short_text_max);
  metadata.data_classification = reader.text("data_classification", short_text_max);
  metadata.rotation_period_ms = reader.integer("rotation_period_ms", 0, 10 * year_ms).value_or(0);
  return metadata;
}

std::vector<ImportItem> read_items(const json& list, std::optional<Error>& fault) {
  std::vector<ImportItem> items;
  std::set<std::string> seen;
  for (const json& entry : list) {
    const std::string prefix = "params.items[" + std::to_string(items.size()) + "].";
    const json empty = json::object();
    ClaimsReader reader(entry.is_object() ? entry : empty, prefix, fault);
    reader.only(item_names, "an item of an import");
    reader.require("client_id");
    reader.require("sealed");
    ImportItem item;
    item.client_id = reader.id("client_id");
    const Bytes sealed = reader.bytes("sealed", hpke_enc_bytes + hpke_tag_bytes + 1,
                                      hpke_enc_bytes + hpke_tag_bytes + secret_bytes_max);
    item.insist = reader.boolean("insist");
    if (fault) return {};
    item.encapsulated.assign(sealed.begin(), sealed.begin() + hpke_enc_bytes);
    item.ciphertext.assign(sealed.begin() + hpke_enc_bytes, sealed.end());
    if (!seen.insert(item.client_id).second) reader.refuse_value("client_id", "appear in one item only");
    items.push_back(std::move(item));
  }
  return items;
}

void read_credential_params(ClaimsReader& reader, Params& params, std::optional<Error>& fault) {
  const std::string kind = reader.text("kind", short_text_max);
  params.kind = credential_kind_from(kind);
  if (reader.has("kind") && !params.kind) {
    reader.refuse_value("kind", "be oauth2_client_secret, api_key or service_key");
  }
  if (const json* metadata = reader.object("metadata")) params.metadata = read_metadata(*metadata, fault);
  params.credential_class = reader.id("class");
  params.api_key_prefix = reader.text("api_key_prefix", key_prefix_bytes_max);
  const auto in_prefix = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (!std::ranges::all_of(params.api_key_prefix, in_prefix)) {
    reader.refuse_value("api_key_prefix", "be 1 to 12 of a-z 0-9");
  }
  if (const json* items = reader.array("items", import_items_max)) params.items = read_items(*items, fault);
}

void read_enrolment(ClaimsReader& reader, Params& params) {
  params.admin_id = reader.id("admin_id");
  params.person = reader.text("person", short_text_max);
  reader.exact_bytes("signing_key", params.signing_key);
  reader.exact_bytes("sealing_key", params.sealing_key);
  reader.exact_bytes("sealing_key_proof", params.sealing_key_proof);
  for (std::string& name : reader.texts("environments", grants_max, short_text_max)) {
    params.environments.insert(std::move(name));
  }
  for (std::string& name : reader.texts("tenants", grants_max, short_text_max)) {
    params.tenants.insert(std::move(name));
  }
}

void read_members(ClaimsReader& reader, Params& params) {
  params.members = reader.texts("members", group_members_max, client_id_bytes_max);
  if (!std::ranges::all_of(params.members, is_id)) {
    reader.refuse_value("members", "be a list of admin ids");
  }
}

// Names are checked against the verb's form first, so that what is read here is what the verb takes.
Params read_params(const json& object, const VerbForm& form, std::optional<Error>& fault) {
  ClaimsReader reader(object, "params.", fault);
  reader.only(form.params, form.name);
  Params params;
  if (fault) return params;
  read_credential_params(reader, params, fault);
  params.group = reader.id("group");
  params.expires_at_ms = reader.unix_ms("expires_at");
  params.grace_ms = reader.integer("grace_ms", 0, 10 * year_ms);
  params.not_before_ms = reader.unix_ms("not_before");
  params.emergency = reader.boolean("emergency");
  params.supersede = reader.boolean("supersede");
  if (const std::optional<Ulid> version = reader.ulid("version_id")) params.version_id = version->text();
  params.ack_tag = reader.bytes("ack_tag", 32, 32);
  read_members(reader, params);
  read_enrolment(reader, params);
  params.what = reader.text("what", short_text_max);
  constexpr std::array<std::string_view, 3> lists = {"credentials", "groups", "admins"};
  if (reader.has("what") && std::ranges::find(lists, params.what) == lists.end()) {
    reader.refuse_value("what", "be credentials, groups or admins");
  }
  params.after = reader.id("after");
  params.limit =
      static_cast<std::uint32_t>(reader.integer("limit", 1, list_limit_max).value_or(params.limit));
  return params;
}

// What a verb cannot do without. Metadata and class are judged by lifecycle, which names all that is missing.
void require_params(ClaimsReader& reader, Verb verb) {
  const auto require = [&](std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) reader.require(name);
  };
  switch (verb) {
    case Verb::credential_create:
      return require({"kind", "group"});
    case Verb::credential_import:
      return require({"kind", "group", "items"});
    case Verb::ack:
      return require({"ack_tag"});
    case Verb::group_create:
    case Verb::group_add:
      return require({"group", "members"});
    case Verb::admin_enroll:
      return require({"admin_id", "person", "signing_key", "sealing_key", "sealing_key_proof"});
    default:
      return;
  }
}

Result<Verb> read_verb(const json& claims) {
  const auto found = claims.find("cmd");
  const auto* name = found == claims.end() ? nullptr : found->get_ptr<const std::string*>();
  if (name == nullptr) return fail(Code::invalid, "`cmd` is missing: which command this is");
  if (const std::optional<Verb> verb = verb_from(*name)) return *verb;
  if (is_planned_command(*name)) {
    return fail(Code::policy_violation, "this engine does not do `" + *name + "` yet");
  }
  std::vector<std::string_view> names;
  for (const VerbForm& form : verb_forms()) names.push_back(form.name);
  return fail(Code::invalid, "unknown command `" + name->substr(0, 64) + "`" + did_you_mean(*name, names));
}

Status refuse_before_reading(const json& claims) {
  if (const std::string* name = find_clear_name(claims)) {
    return fail(Code::invalid, "`" + name->substr(0, 64) +
                                   "` would carry a secret in the clear, which no command does; seal it to "
                                   "the engine's key and send it as `sealed`");
  }
  for (const char* proof : {"idp_proof", "totp"}) {
    if (claims.contains(proof)) {
      return fail(Code::policy_violation, "this engine does not check `" + std::string(proof) +
                                              "` yet; a command that relies on it is refused");
    }
  }
  return {};
}

void read_claims(ClaimsReader& reader, const VerbForm& form, Command& command) {
  reader.only(claim_names, "a command");
  for (const char* name : {"aud", "iat", "exp", "jti"}) reader.require(name);
  command.audience = reader.text("aud", short_text_max);
  command.issued_at_ms = reader.numeric_date_ms("iat");
  command.expires_at_ms = reader.numeric_date_ms("exp");
  command.jti = reader.ulid("jti").value_or(Ulid{});
  if (form.needs_credential) reader.require("credential");
  command.credential = reader.id("credential");
  if (form.verb == Verb::ack) reader.require("rotation_id");
  if (const std::optional<Ulid> rotation = reader.ulid("rotation_id")) command.rotation_id = rotation->text();
  command.reason = reader.text("reason", reason_bytes_max);
  command.justification = reader.text("justification", justification_bytes_max);
  command.ticket = reader.text("ticket", short_text_max);
  command.correlation_id = reader.text("correlation_id", short_text_max);
}

}  // namespace

Result<Command> decode_command(std::string_view claims_json) {
  const Result<json> claims = parse_json_object(claims_json, "claims");
  if (!claims) return std::unexpected(claims.error());
  if (Status status = refuse_before_reading(*claims); !status) return std::unexpected(status.error());
  const Result<Verb> verb = read_verb(*claims);
  if (!verb) return std::unexpected(verb.error());

  Command command;
  command.verb = *verb;
  const VerbForm& form = form_of(*verb);
  std::optional<Error> fault;
  ClaimsReader reader(*claims, "", fault);
  read_claims(reader, form, command);
  const json none = json::object();
  const json* params = reader.object("params");
  if (params == nullptr) params = &none;
  command.params = read_params(*params, form, fault);
  ClaimsReader params_reader(*params, "params.", fault);
  require_params(params_reader, *verb);
  if (fault) return std::unexpected(std::move(*fault));
  return command;
}

}  // namespace shearline::policy
