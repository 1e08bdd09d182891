// What a start needs of this machine beyond a configuration that reads well: the keyring under its passphrase, memory that
// can be locked, a backend, a data folder, addresses to listen on. Used by main.cpp, to start with them and, for --check,
// to judge them with nothing changed. Must not know the engine or ask Redis.
#pragma once

#include "base/error.hpp"
#include "io/keys/keyring.hpp"
#include "io/loop/loop.hpp"
#include "server/config.hpp"

#include <string>
#include <vector>

namespace shearline::server {

// Runs scrypt: about 50 ms. unauthorized: the wrong passphrase; invalid: damaged, or of another deployment.
Result<keys::Keyring> open_keyring(const ServerConfig& config);

// An error only where the configuration requires it.
Status judge_locked_memory(const ServerConfig& config);

struct BackendChoice {
  loop::Backend backend = loop::Backend::epoll;
  std::string why;
};
// unavailable, with what to permit: io_uring was asked for by name and is forbidden here.
Result<BackendChoice> choose_backend(loop::Backend wanted);

Status make_data_folder(const std::string& path);  // with mode 0700

struct Preconditions {
  std::vector<std::string> faults;  // a start would end with these
  std::vector<std::string>
      notes;  // an address that is in use now: maybe by the engine that is to be replaced
};
Preconditions judge_preconditions(const ServerConfig& config);

}  // namespace shearline::server
