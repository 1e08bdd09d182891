#include "mls/extension.hpp"

#include <algorithm>

namespace shearline::mls {

CipherSuite read_cipher_suite(Reader& in, std::string_view section) {
  const std::uint16_t suite = in.u16();
  if (is_built(suite)) return static_cast<CipherSuite>(suite);
  in.fail(section, "the cipher suite is not one of 1, 2 and 3");
  return CipherSuite::x25519_aes128gcm_sha256_ed25519;
}

void write(Writer& out, const Extensions& value) {
  out.vector([&] {
    for (const Extension& extension : value) {
      out.u16(extension.type);
      out.opaque(extension.data);
    }
  });
}

Extensions read_extensions(Reader& in) {
  Extensions out;
  in.vector([&](Reader& element) {
    Extension extension;
    extension.type = element.u16();
    extension.data = element.opaque();
    if (find_extension(out, extension.type) != nullptr) element.fail("13.4", "an extension appears twice");
    if (out.size() == extensions_max) element.fail("13.4", "more than 64 extensions in one list");
    if (element.ok()) out.push_back(std::move(extension));
  });
  return out;
}

const Extension* find_extension(const Extensions& extensions, std::uint16_t type) {
  const auto found = std::ranges::find(extensions, type, &Extension::type);
  return found == extensions.end() ? nullptr : &*found;
}

void write_types(Writer& out, const Types& value) {
  out.vector([&] {
    for (const std::uint16_t type : value) out.u16(type);
  });
}

Types read_types(Reader& in) {
  Types out;
  in.vector([&](Reader& element) { out.push_back(element.u16()); });
  return out;
}

bool lists(const Types& types, std::uint16_t type) { return std::ranges::find(types, type) != types.end(); }

void write(Writer& out, const RequiredCapabilities& value) {
  write_types(out, value.extensions);
  write_types(out, value.proposals);
  write_types(out, value.credentials);
}

Result<std::optional<RequiredCapabilities>> required_capabilities(
    const Extensions& group_context_extensions) {
  const Extension* const found =
      find_extension(group_context_extensions, extension_type::required_capabilities);
  if (found == nullptr) return std::nullopt;
  Result<RequiredCapabilities> decoded = decode_whole(found->data, [](Reader& in) {
    RequiredCapabilities out;
    out.extensions = read_types(in);
    out.proposals = read_types(in);
    out.credentials = read_types(in);
    return out;
  });
  if (!decoded) return pass_on(decoded.error());
  return std::optional(std::move(*decoded));
}

}  // namespace shearline::mls
