// RFC 9420 section 13.4 and the registries of section 17 as far as they are used: protocol version, extension,
// proposal and credential types, lists of extensions. Used by every structure that carries extensions.
#pragma once

#include "mls/crypto.hpp"

#include <optional>
#include <vector>

namespace shearline::mls {

inline constexpr std::uint16_t protocol_version_mls10 = 1;

// Section 17.1. invalid: a suite that is not built.
CipherSuite read_cipher_suite(Reader& in, std::string_view section);

namespace extension_type {
inline constexpr std::uint16_t application_id = 1;
inline constexpr std::uint16_t ratchet_tree = 2;
inline constexpr std::uint16_t required_capabilities = 3;
inline constexpr std::uint16_t external_pub = 4;
inline constexpr std::uint16_t external_senders = 5;
}  // namespace extension_type

// Section 7.2: types 1 to 5 (extensions) and 1 to 7 (proposals) are known to everybody and never listed.
constexpr bool is_default_extension(std::uint16_t type) { return type >= 1 && type <= 5; }
constexpr bool is_default_proposal(std::uint16_t type) { return type >= 1 && type <= 7; }

struct Extension {
  std::uint16_t type = 0;
  Bytes data;
  bool operator==(const Extension&) const = default;
};
using Extensions = std::vector<Extension>;
void write(Writer& out, const Extensions& value);
Extensions read_extensions(Reader& in);  // section 13.4: refuses two of one type
const Extension* find_extension(const Extensions& extensions, std::uint16_t type);  // null: there is none

using Types = std::vector<std::uint16_t>;  // section 17: versions, suites, extensions, proposals, credentials
void write_types(Writer& out, const Types& value);
Types read_types(Reader& in);
bool lists(const Types& types, std::uint16_t type);

// Section 11.1.
struct RequiredCapabilities {
  Types extensions;
  Types proposals;
  Types credentials;
};
void write(Writer& out, const RequiredCapabilities& value);
// Nothing when the group has none. invalid: it has one that does not decode.
Result<std::optional<RequiredCapabilities>> required_capabilities(const Extensions& group_context_extensions);

}  // namespace shearline::mls
