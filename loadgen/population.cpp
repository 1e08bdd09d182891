#include "loadgen/population.hpp"

#include "base/encoding.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>

namespace shearline::loadgen {
namespace {

// SeededRandom is SplitMix64: its state grows by this constant for each eight bytes, so any place in its
// stream is one multiplication away.
constexpr std::uint64_t splitmix_increment = 0x9e3779b97f4a7c15ULL;
constexpr std::uint64_t steps_per_secret = 4;

std::unexpected<Error> bad_line(std::string_view origin, std::size_t line, std::string_view why) {
  return fail(Code::invalid,
              std::string(origin) + ": line " + std::to_string(line) + ": " + std::string(why));
}

// Never quotes the line: it may hold a secret.
Result<Credential> parse_line(std::string_view text, std::string_view origin, std::size_t line) {
  if (text.size() > credential_line_bytes_max) return bad_line(origin, line, "longer than 64 KiB");
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return bad_line(origin, line, "not a JSON object");
  const auto field = [&](const char* name, std::size_t bytes_max) -> Result<std::string> {
    const auto found = object.find(name);
    const std::string quoted = std::string("\"") + name + "\"";
    if (found == object.end()) return bad_line(origin, line, quoted + " is missing");
    if (!found->is_string()) return bad_line(origin, line, quoted + " is not a string");
    const auto& value = found->get_ref<const std::string&>();
    if (value.empty()) return bad_line(origin, line, quoted + " is empty");
    if (value.size() > bytes_max) {
      return bad_line(origin, line, quoted + " is longer than " + std::to_string(bytes_max) + " bytes");
    }
    return value;
  };
  auto client_id = field("client_id", client_id_bytes_max);
  if (!client_id) return std::unexpected(client_id.error());
  auto secret = field("secret", secret_bytes_max);
  if (!secret) return std::unexpected(secret.error());
  return Credential{std::move(*client_id), std::move(*secret)};
}

}  // namespace

Population Population::generated(std::size_t count, std::uint64_t seed) {
  Population population;
  population.count_ = count;
  population.seed_ = seed;
  return population;
}

Result<Population> Population::parse(std::string_view text, std::string_view origin) {
  Population population;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (content.ends_with('\r')) content.remove_suffix(1);
    if (content.empty()) continue;
    auto credential = parse_line(content, origin, line);
    if (!credential) return std::unexpected(credential.error());
    population.listed_.push_back(std::move(*credential));
  }
  population.count_ = population.listed_.size();
  if (population.count_ == 0) return fail(Code::invalid, std::string(origin) + ": holds no credential");
  return population;
}

Result<Population> Population::read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Code::not_found, path + ": " + std::strerror(errno));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return fail(Code::unavailable, path + ": cannot be read");
  return parse(text, path);
}

Credential Population::at(std::size_t index) const {
  if (!listed_.empty()) return listed_[index];
  SeededRandom random(seed_ + index * steps_per_secret * splitmix_increment);
  return {load_client_id(index), make_load_secret(random)};
}

std::optional<std::size_t> Population::find(std::string_view client_id) const {
  if (!listed_.empty()) {
    const auto found = std::ranges::find(listed_, client_id, &Credential::client_id);
    if (found == listed_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - listed_.begin());
  }
  std::size_t index = 0;
  const std::size_t dash = client_id.find('-') + 1;
  std::from_chars(client_id.data() + dash, client_id.data() + client_id.size(), index);
  if (index >= count_ || load_client_id(index) != client_id) return std::nullopt;
  return index;
}

std::string make_load_secret(Random& random) {
  std::array<Byte, 32> bytes;
  random.fill(bytes);
  std::string secret(base62_digits, '0');
  base62_of_32(bytes, std::span<char, base62_digits>(secret.data(), base62_digits));
  return secret;
}

std::string load_client_id(std::size_t index) {
  constexpr std::size_t digits = 12;
  const std::string number = std::to_string(index);
  return "load-" + std::string(digits - number.size(), '0') + number;
}

Status write_credentials(std::FILE* out, std::size_t count, Random& random) {
  std::string line;
  for (std::size_t i = 0; i < count; ++i) {
    line = R"({"client_id":")" + load_client_id(i) + R"(","secret":")" + make_load_secret(random) + "\"}\n";
    if (std::fwrite(line.data(), 1, line.size(), out) != line.size()) break;
  }
  if (std::fflush(out) != 0 || std::ferror(out) != 0) {
    return fail(Code::unavailable, std::string("cannot write the credentials: ") + std::strerror(errno));
  }
  return {};
}

}  // namespace shearline::loadgen
