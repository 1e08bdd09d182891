// Addresses as people write them: parsing, printing, and whether they stay on this machine. No socket is
// touched.
#include "io/loop/stream.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>

namespace shearline::loop {
namespace {

constexpr std::size_t unix_path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::string_view unix_prefix = "unix:";

bool is_ipv6(const std::string& host) {
  in6_addr ignored{};
  return inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

bool has_forbidden_bytes(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c <= ' ' || c == 0x7F; });
}

std::unexpected<Error> not_an_address(std::string_view text, std::string_view why) {
  std::string shown;
  for (const char c : text.substr(0, 120)) shown += c >= ' ' && c != 0x7F ? c : '?';
  return fail(Code::invalid, "\"" + shown + "\" is not an address: " + std::string(why) +
                                 " (expected host:port, [ipv6]:port or unix:/path)");
}

Result<Address> parse_unix(std::string_view text) {
  const std::string_view path = text.substr(unix_prefix.size());
  if (path.empty()) return not_an_address(text, "the path is missing");
  if (path.find('\0') != path.npos) return not_an_address(text, "the path contains a zero byte");
  if (path.size() > unix_path_bytes_max)
    return not_an_address(
        text, "a Unix socket's path has at most " + std::to_string(unix_path_bytes_max) + " bytes");
  return Address{.host = {}, .port = 0, .unix_path = std::string(path)};
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  if (text.starts_with(unix_prefix)) return parse_unix(text);
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return not_an_address(text, "the port is missing");

  Address address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size())
    return not_an_address(text, "the port must be a number from 0 to 65535");

  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    address.host = host.substr(1, host.size() - 2);
    if (!is_ipv6(address.host)) return not_an_address(text, "what stands in brackets is not an IPv6 address");
    return address;
  }
  if (host.empty()) return not_an_address(text, "the host is missing");
  if (host.find(':') != host.npos) return not_an_address(text, "an IPv6 address needs brackets");
  if (has_forbidden_bytes(host) || host.size() > 253) return not_an_address(text, "the host is not a name");
  address.host = host;
  return address;
}

bool Address::is_loopback() const {
  if (is_unix() || host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string Address::text() const {
  if (is_unix()) return std::string(unix_prefix) + unix_path;
  const bool brackets = host.find(':') != host.npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace shearline::loop
