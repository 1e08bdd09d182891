// Where the key-encryption key comes from. Whatever is read goes straight into the locked arena.
#include "io/keys/files.hpp"
#include "io/keys/keyring.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace shearline::keys {
namespace {

constexpr std::size_t kek_bytes = 32;

Result<Plaintext> read_into_arena(const Descriptor& file, const std::string& path) {
  Plaintext out =
      Plaintext::of_size(passphrase_bytes_max + 2);  // a newline, and one to see that it is longer
  std::size_t size = 0;
  while (size < out.size()) {
    const ssize_t got = ::read(file.fd(), out.writable().data() + size, out.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(system_error(path, errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size == out.size()) return fail(Code::invalid, path + ": is longer than 1,024 bytes");
  out.shrink(size);
  return out;
}

Result<Plaintext> read_private(const std::string& path) {
  const Result<Descriptor> file = open_for_reading(path);
  if (!file) return std::unexpected(file.error());
  if (const Status status = check_private(*file, path); !status) return std::unexpected(status.error());
  return read_into_arena(*file, path);
}

Result<Plaintext> read_environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return fail(Code::not_found, "the environment variable " + name + " is not set");
  const ByteView bytes = as_bytes(value);
  if (bytes.size() > passphrase_bytes_max) {
    return fail(Code::invalid, "the environment variable " + name + " is longer than 1,024 bytes");
  }
  return Plaintext::copy_of(bytes);
}

Result<Plaintext> read_credential(const std::string& name) {
  const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr) {
    return fail(Code::not_found, "CREDENTIALS_DIRECTORY is not set: systemd passed no credentials");
  }
  if (name.empty() || name.find('/') != std::string::npos) {
    return fail(Code::invalid, "`" + name + "` is not the name of a systemd credential");
  }
  const std::string path = std::string(folder) + "/" + name;
  const Result<Descriptor> file = open_for_reading(path);
  if (!file) return std::unexpected(file.error());
  return read_into_arena(*file, path);
}

void drop_newline(Plaintext& text) {
  if (!text.empty() && text.reveal().back() == '\n') text.shrink(text.size() - 1);
  if (!text.empty() && text.reveal().back() == '\r') text.shrink(text.size() - 1);
}

// base/encoding's from_hex would put the key into ordinary memory.
int hex_digit(Byte c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
bool decode_hex_key(const Plaintext& text, Plaintext& key) {
  if (text.size() != 2 * kek_bytes) return false;
  key = Plaintext::of_size(kek_bytes);
  for (std::size_t i = 0; i < kek_bytes; ++i) {
    const int high = hex_digit(text.reveal()[2 * i]);
    const int low = hex_digit(text.reveal()[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    key.writable()[i] = static_cast<Byte>(high << 4 | low);
  }
  return true;
}

Result<KekSource> as_passphrase(Result<Plaintext> text, std::string_view spec) {
  if (!text) return std::unexpected(text.error());
  drop_newline(*text);
  if (text->empty()) return fail(Code::invalid, std::string(spec) + ": the passphrase is empty");
  return passphrase_source(std::move(*text));
}

Result<KekSource> as_key(Result<Plaintext> text, std::string_view spec, bool raw_allowed) {
  if (!text) return std::unexpected(text.error());
  if (raw_allowed && text->size() == kek_bytes) {
    return KekSource{.kind = KekSource::Kind::key, .material = std::move(*text)};
  }
  drop_newline(*text);
  Plaintext key;
  if (!decode_hex_key(*text, key)) {
    return fail(Code::invalid, std::string(spec) + ": needs 64 hex digits" +
                                   (raw_allowed ? " or 32 raw bytes" : "") + " as a key");
  }
  return KekSource{.kind = KekSource::Kind::key, .material = std::move(key)};
}

Result<KekSource> as_key_or_passphrase(Result<Plaintext> text, std::string_view spec) {
  if (!text) return std::unexpected(text.error());
  drop_newline(*text);
  Plaintext key;
  if (decode_hex_key(*text, key)) return KekSource{.kind = KekSource::Kind::key, .material = std::move(key)};
  return as_passphrase(std::move(text), spec);
}

struct NamedSource {
  std::string_view kind;
  std::string value;
  bool is_file() const { return kind == "passphrase-file" || kind == "key-file"; }
};
Result<NamedSource> source_named_by(std::string_view spec) {
  const std::size_t colon = spec.find(':');
  const std::string_view kind = spec.substr(0, colon);
  std::string value(colon == std::string_view::npos ? std::string_view{} : spec.substr(colon + 1));
  for (const std::string_view known :
       {"passphrase-file", "passphrase-env", "key-file", "key-env", "systemd"}) {
    if (kind == known && !value.empty()) return NamedSource{known, std::move(value)};
  }
  // What was written instead is not repeated: it may be the passphrase itself.
  return fail(Code::invalid,
              "this names no source of the key-encryption key; write passphrase-file:PATH, "
              "passphrase-env:NAME, key-file:PATH, key-env:NAME or systemd:NAME");
}

}  // namespace

KekSource passphrase_source(Plaintext passphrase) {
  return {.kind = KekSource::Kind::passphrase, .material = std::move(passphrase)};
}

Result<KekSource> read_kek_source(std::string_view spec) {
  const Result<NamedSource> source = source_named_by(spec);
  if (!source) return std::unexpected(source.error());
  if (source->kind == "passphrase-file") return as_passphrase(read_private(source->value), spec);
  if (source->kind == "passphrase-env") return as_passphrase(read_environment(source->value), spec);
  if (source->kind == "key-file") return as_key(read_private(source->value), spec, true);
  if (source->kind == "key-env") return as_key(read_environment(source->value), spec, false);
  return as_key_or_passphrase(read_credential(source->value), spec);
}

// By its path alone: opening a pipe would take from whoever reads it later.
Status check_kek_source(std::string_view spec) {
  const Result<NamedSource> source = source_named_by(spec);
  if (!source) return std::unexpected(source.error());
  if (!source->is_file()) return {};
  struct stat facts{};
  if (::stat(source->value.c_str(), &facts) != 0 || ::access(source->value.c_str(), R_OK) != 0) {
    return std::unexpected(system_error(source->value, errno));
  }
  return check_private(facts, source->value);
}

}  // namespace shearline::keys
