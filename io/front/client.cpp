#include "io/front/client.hpp"

#include "base/secret.hpp"
#include "io/front/info.hpp"

#include <algorithm>
#include <cctype>

namespace shearline::front {
namespace {

using wire::RespVersion;
using wire::write_bulk;
using wire::write_error;
using wire::write_simple;

bool is_word(ByteView argument, std::string_view lower_case) {
  return std::ranges::equal(argument, lower_case,
                            [](Byte byte, char wanted) { return std::tolower(byte) == wanted; });
}

// Every gateway is compared, whichever fits: time does not tell which names exist.
const Gateway* find_gateway(std::span<const Gateway> gateways, ByteView name, ByteView token) {
  const Hash presented = sha256(token);
  const Gateway* found = nullptr;
  for (const Gateway& gateway : gateways) {
    const bool token_fits = equal_in_constant_time(gateway.token_sha256, presented);
    if (token_fits && equal(as_bytes(gateway.name), name)) found = &gateway;
  }
  return found;
}

bool log_in(ByteView name, ByteView token, Client& client, const SessionRules& rules, Bytes& out) {
  if (rules.gateways.empty()) {
    // The wording of Redis: clients recognise it and go on.
    write_error(out, "ERR Client sent AUTH, but no password is set");
    return false;
  }
  if (const Gateway* gateway = find_gateway(rules.gateways, name, token); gateway != nullptr) {
    client.gateway = gateway;
    return true;
  }
  rules.counters.refused_logins.add(1);
  write_error(out, "WRONGPASS invalid gateway name or token");
  return false;
}

void answer_auth(const CollectedArguments& arguments, Client& client, const SessionRules& rules, Bytes& out) {
  const bool named = arguments.size() == 2;
  const ByteView name = named ? arguments[0] : as_bytes("default");
  if (log_in(name, arguments[named ? 1 : 0], client, rules, out)) write_simple(out, "OK");
}

bool set_name(ByteView name, Client& client, Bytes& out) {
  const bool printable = std::ranges::all_of(name, [](Byte byte) { return byte > ' ' && byte < 0x7f; });
  if (!printable || name.size() > client_name_bytes_max) {
    write_error(out, "ERR a client name has at most 64 printable characters and no spaces");
    return false;
  }
  client.name = to_string(name);
  return true;
}

void write_greeting(const Client& client, const SessionRules& rules, Bytes& out) {
  wire::write_map_header(out, 7, client.version);
  write_bulk(out, "server");
  write_bulk(out, "shearline");
  write_bulk(out, "version");
  write_bulk(out, rules.engine_version);
  write_bulk(out, "proto");
  wire::write_integer(out, static_cast<int>(client.version));
  write_bulk(out, "id");
  wire::write_integer(out, static_cast<std::int64_t>(client.id));
  write_bulk(out, "mode");
  write_bulk(out, "standalone");
  write_bulk(out, "role");
  write_bulk(out, "master");
  write_bulk(out, "modules");
  wire::write_array_header(out, 0);
}

// HELLO [version [AUTH gateway token] [SETNAME name]]: all of it takes effect, or nothing.
void answer_hello(const CollectedArguments& arguments, Client& client, const SessionRules& rules,
                  Bytes& out) {
  Client next = client;
  if (arguments.size() > 0) {
    if (!is_word(arguments[0], "2") && !is_word(arguments[0], "3")) {
      return write_error(out, "NOPROTO unsupported protocol version");
    }
    next.version = arguments[0][0] == '3' ? RespVersion::resp3 : RespVersion::resp2;
  }
  for (std::size_t i = 1; i < arguments.size();) {
    if (is_word(arguments[i], "auth") && i + 2 < arguments.size()) {
      if (!log_in(arguments[i + 1], arguments[i + 2], next, rules, out)) return;
      i += 3;
    } else if (is_word(arguments[i], "setname") && i + 1 < arguments.size()) {
      if (!set_name(arguments[i + 1], next, out)) return;
      i += 2;
    } else {
      return write_error(out, "ERR syntax error in HELLO: [version [AUTH gateway token] [SETNAME name]]");
    }
  }
  if (!next.may_verify(rules)) {
    return write_error(out, "NOAUTH HELLO must be called with AUTH <gateway> <token> on this port");
  }
  client = std::move(next);
  write_greeting(client, rules, out);
}

std::string describe(const Client& client) {
  return "id=" + std::to_string(client.id) + " name=" + client.name +
         " resp=" + std::to_string(static_cast<int>(client.version)) +
         " user=" + (client.gateway != nullptr ? client.gateway->name : "default") + "\n";
}

void answer_client(const CollectedArguments& arguments, Client& client, Bytes& out) {
  const ByteView what = arguments[0];
  const std::size_t count = arguments.size();
  if (is_word(what, "id") && count == 1) {
    wire::write_integer(out, static_cast<std::int64_t>(client.id));
  } else if (is_word(what, "getname") && count == 1) {
    if (client.name.empty()) return wire::write_null(out, client.version);
    write_bulk(out, client.name);
  } else if (is_word(what, "setname") && count == 2) {
    if (set_name(arguments[1], client, out)) write_simple(out, "OK");
  } else if (is_word(what, "list") || (is_word(what, "info") && count == 1)) {
    write_bulk(out, describe(client));  // itself only: the others are other threads' business
  } else if ((is_word(what, "setinfo") && count == 3) || (is_word(what, "no-evict") && count == 2) ||
             (is_word(what, "no-touch") && count == 2) ||
             (is_word(what, "reply") && count == 2 && is_word(arguments[1], "on"))) {
    write_simple(out, "OK");  // nothing here is evicted, touched or silenced
  } else {
    write_error(out, "ERR unknown subcommand or wrong number of arguments for 'client' command");
  }
}

void answer_command(const CollectedArguments& arguments, const Client& client, Bytes& out) {
  if (arguments.size() == 0) return wire::write_array_header(out, 0);
  const ByteView what = arguments[0];
  if (is_word(what, "count")) return wire::write_integer(out, 0);
  if (is_word(what, "docs")) return wire::write_map_header(out, 0, client.version);
  if (is_word(what, "info") || is_word(what, "list")) return wire::write_array_header(out, 0);
  write_error(out, "ERR unknown subcommand for 'command' command");
}

// redis-benchmark asks for these two and says so in its report; there is nothing else to configure here.
void answer_config(const CollectedArguments& arguments, const Client& client, Bytes& out) {
  if (!is_word(arguments[0], "get") || arguments.size() < 2) {
    return write_error(out, "ERR this engine is configured by its file, its environment and its flags");
  }
  const bool asks_save = is_word(arguments[1], "save");
  if (arguments.size() > 2 || (!asks_save && !is_word(arguments[1], "appendonly"))) {
    return wire::write_map_header(out, 0, client.version);
  }
  wire::write_map_header(out, 1, client.version);
  write_bulk(out, arguments[1]);
  write_bulk(out, asks_save ? "" : "no");
}

void answer_select(const CollectedArguments& arguments, Bytes& out) {
  if (is_word(arguments[0], "0")) return write_simple(out, "OK");
  write_error(out, "ERR DB index is out of range");
}

}  // namespace

CollectedArguments::~CollectedArguments() { wipe(bytes_); }

void CollectedArguments::add(ByteView argument) {
  const std::size_t from = count_ == 0 ? 0 : ends_[count_ - 1];
  if (overflowed_ || count_ == count_max || bytes_max - from < argument.size()) return overflow();
  std::ranges::copy(argument, bytes_.begin() + static_cast<std::ptrdiff_t>(from));
  ends_[count_++] = static_cast<std::uint16_t>(from + argument.size());
}

ByteView CollectedArguments::operator[](std::size_t index) const {
  const std::size_t from = index == 0 ? 0 : ends_[index - 1];
  return ByteView(bytes_).subspan(from, ends_[index] - from);
}

void answer_client_command(Command command, const CollectedArguments& arguments, Client& client,
                           const SessionRules& rules, Bytes& out) {
  // COMMAND may be asked about any number of names; the answer does not depend on them.
  if (arguments.overflowed() && (command != Command::command || arguments.size() == 0)) {
    return write_error(out, "ERR too many or too long arguments");
  }
  switch (command) {
    case Command::hello:
      return answer_hello(arguments, client, rules, out);
    case Command::auth:
      return answer_auth(arguments, client, rules, out);
    case Command::client:
      return answer_client(arguments, client, out);
    case Command::command:
      return answer_command(arguments, client, out);
    case Command::config:
      return answer_config(arguments, client, out);
    case Command::select:
      return answer_select(arguments, out);
    case Command::info: {
      std::vector<std::string_view> sections;
      sections.reserve(arguments.size());
      for (std::size_t i = 0; i < arguments.size(); ++i) sections.push_back(as_text(arguments[i]));
      return write_bulk(out, render_info(sections, rules));
    }
    default:
      return write_error(out, "ERR unknown command");
  }
}

}  // namespace shearline::front
