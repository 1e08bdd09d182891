#include "server/preconditions.hpp"

#include "base/arena.hpp"
#include "io/loop/stream.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace shearline::server {
namespace {

namespace fs = std::filesystem;

// Whether make_data_folder() would come to it: judged at the nearest folder that is there.
Status judge_data_folder(const std::string& path) {
  const std::string start = "the data folder " + path + " cannot be made: ";
  std::error_code error;
  fs::path there = fs::absolute(path, error);
  while (!error && !fs::exists(there, error) && there.has_relative_path()) there = there.parent_path();
  if (error) return fail(Code::unavailable, start + error.message());
  if (!fs::is_directory(there, error))
    return fail(Code::unavailable, start + there.string() + " is not a folder");
  if (::access(there.c_str(), W_OK | X_OK) != 0)
    return fail(Code::unavailable, start + there.string() + ": " + std::strerror(errno));
  return {};
}

}  // namespace

Result<keys::Keyring> open_keyring(const ServerConfig& config) {
  if (Status fine = keys::check_private(config.keyring_file); !fine) return std::unexpected(fine.error());
  const Result<Bytes> text = keys::read_file(config.keyring_file, keys::key_file_bytes_max);
  if (!text) return std::unexpected(text.error());
  const Result<keys::KekSource> kek = keys::read_kek_source(config.kek);
  if (!kek) return std::unexpected(kek.error());
  Result<keys::Keyring> keyring = keys::decode_keyring(as_text(*text), *kek);
  if (!keyring) return fail(keyring.error().code, config.keyring_file + ": " + keyring.error().message);
  if (keyring->deployment != config.deployment) {
    return fail(Code::invalid, config.keyring_file + " belongs to the deployment " + keyring->deployment +
                                   ", not to " + config.deployment);
  }
  return keyring;
}

Status judge_locked_memory(const ServerConfig& config) {
  if (!config.require_mlock || arena_state().locked) return {};
  return fail(Code::unavailable,
              "memory for secrets cannot be locked; raise the limit (ulimit -l, LimitMEMLOCK=) or "
              "set require_mlock = false");
}

Result<BackendChoice> choose_backend(loop::Backend wanted) {
  constexpr std::string_view asked_for = "the configuration asks for it";
  if (wanted == loop::Backend::epoll) return BackendChoice{wanted, std::string(asked_for)};
  const std::optional<std::string> refusal = loop::uring_unavailable();
  if (refusal && wanted == loop::Backend::io_uring) return fail(Code::unavailable, *refusal);
  if (wanted == loop::Backend::io_uring) return BackendChoice{wanted, std::string(asked_for)};
  if (refusal) return BackendChoice{loop::Backend::epoll, *refusal};
  return BackendChoice{loop::Backend::io_uring, "io_uring is permitted here"};
}

Status make_data_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error)
    return fail(Code::unavailable, "the data folder " + path + " cannot be made: " + error.message());
  return {};
}

Preconditions judge_preconditions(const ServerConfig& config) {
  Preconditions found;
  const auto fault = [&found](const Error& error) { found.faults.push_back(error.message); };
  if (Status locked = judge_locked_memory(config); !locked) fault(locked.error());
  if (const auto keyring = open_keyring(config); !keyring) fault(keyring.error());
  if (Status folder = judge_data_folder(config.data_folder); !folder) fault(folder.error());
  if (const auto backend = choose_backend(config.backend); !backend) fault(backend.error());
  for (const loop::Address& address : config.resp_listeners) {
    const Status free = loop::may_listen_on(address);
    if (free) continue;
    if (free.error().code == Code::conflict) {
      found.notes.push_back(free.error().message + "; fine if it is the engine that this one is to replace");
    } else {
      fault(free.error());
    }
  }
  return found;
}

}  // namespace shearline::server
