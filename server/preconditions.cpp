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

void judge_listeners(const LoadedConfig& loaded, Preconditions& found) {
  for (const loop::Address& address : loaded.config.resp_listeners) {
    const Status free = loop::may_listen_on(address);
    if (free) continue;
    if (free.error().code == Code::conflict) {
      found.notes.push_back(free.error().message + "; fine if it is the engine that this one is to replace");
    } else {
      found.faults.push_back(loaded.fault_of("listen.resp", free.error().message));
    }
  }
}

}  // namespace

OrFault<keys::Keyring> open_keyring(const LoadedConfig& loaded) {
  const ServerConfig& config = loaded.config;
  const auto fault = [&loaded](std::string_view setting, const std::string& message) {
    return std::unexpected(loaded.fault_of(setting, message));
  };
  if (Status fine = keys::check_private(config.keyring_file); !fine)
    return fault("keyring.file", fine.error().message);
  const Result<Bytes> text = keys::read_file(config.keyring_file, keys::key_file_bytes_max);
  if (!text) return fault("keyring.file", text.error().message);
  const Result<keys::KekSource> kek = keys::read_kek_source(config.kek);
  if (!kek) return fault("keyring.kek", kek.error().message);
  Result<keys::Keyring> keyring = keys::decode_keyring(as_text(*text), *kek);
  if (!keyring) {
    const bool key_is_wrong = keyring.error().code == Code::unauthorized;
    return fault(key_is_wrong ? "keyring.kek" : "keyring.file",
                 config.keyring_file + ": " + keyring.error().message);
  }
  if (loaded.is_read("deployment") && keyring->deployment != config.deployment) {
    return fault("deployment", config.keyring_file + " belongs to the deployment " + keyring->deployment +
                                   ", not to " + config.deployment);
  }
  return std::move(*keyring);
}

OrFault<void> judge_locked_memory(const LoadedConfig& loaded) {
  if (!loaded.config.require_mlock || arena_state().locked) return {};
  return std::unexpected(loaded.fault_of(
      "require_mlock",
      "memory for secrets cannot be locked; raise the limit (ulimit -l, LimitMEMLOCK=) or set it to false"));
}

OrFault<BackendChoice> choose_backend(const LoadedConfig& loaded) {
  constexpr std::string_view asked_for = "the configuration asks for it";
  const loop::Backend wanted = loaded.config.backend;
  if (wanted == loop::Backend::epoll) return BackendChoice{wanted, std::string(asked_for)};
  const std::optional<std::string> refusal = loop::uring_unavailable();
  if (refusal && wanted == loop::Backend::io_uring)
    return std::unexpected(loaded.fault_of("backend", *refusal));
  if (wanted == loop::Backend::io_uring) return BackendChoice{wanted, std::string(asked_for)};
  if (refusal) return BackendChoice{loop::Backend::epoll, *refusal};
  return BackendChoice{loop::Backend::io_uring, "io_uring is permitted here"};
}

OrFault<void> make_data_folder(const LoadedConfig& loaded) {
  const std::string& path = loaded.config.data_folder;
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (!error) return {};
  return std::unexpected(
      loaded.fault_of("data", "the data folder " + path + " cannot be made: " + error.message()));
}

Preconditions judge_preconditions(const LoadedConfig& loaded) {
  Preconditions found;
  const auto take = [&found](const auto& judged) {
    if (!judged) found.faults.push_back(judged.error());
  };
  if (loaded.is_read("require_mlock")) take(judge_locked_memory(loaded));
  if (loaded.is_read("keyring.file") && loaded.is_read("keyring.kek")) take(open_keyring(loaded));
  if (loaded.is_read("data")) {
    if (const Status folder = judge_data_folder(loaded.config.data_folder); !folder)
      found.faults.push_back(loaded.fault_of("data", folder.error().message));
  }
  if (loaded.is_read("backend")) take(choose_backend(loaded));
  if (loaded.is_read("listen.resp")) judge_listeners(loaded, found);
  return found;
}

}  // namespace shearline::server
