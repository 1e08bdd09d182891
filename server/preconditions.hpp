// What a start needs of this machine beyond a configuration that reads well: the keyring under its passphrase, memory that
// can be locked, a backend, a data folder, addresses to listen on. Used by main.cpp, to start with them and, for --check,
// to judge them with nothing changed. Must not know the engine or ask Redis.
#pragma once

#include "base/error.hpp"
#include "io/keys/keyring.hpp"
#include "io/loop/loop.hpp"
#include "server/config.hpp"

#include <expected>
#include <string>
#include <vector>

namespace shearline::server {

// All of them say which setting it is about and where that was made.
template <class T>
using OrFault = std::expected<T, Fault>;

// Runs scrypt: about 50 ms. That it is of this deployment is judged where it is known which one that is.
OrFault<keys::Keyring> open_keyring(const LoadedConfig& loaded);

// A fault only where the configuration requires it.
OrFault<void> judge_locked_memory(const LoadedConfig& loaded);

struct BackendChoice {
  loop::Backend backend = loop::Backend::epoll;
  std::string why;
};
// A fault, with what to permit, where io_uring was asked for by name and is forbidden here.
OrFault<BackendChoice> choose_backend(const LoadedConfig& loaded);

OrFault<void> make_data_folder(const LoadedConfig& loaded);  // with mode 0700

struct Preconditions {
  std::vector<Fault> faults;  // a start would end with these
  std::vector<std::string>
      notes;  // an address that is in use now: maybe by the engine that is to be replaced
};
// Of a configuration with faults: what hangs on no setting that has one.
Preconditions judge_preconditions(const LoadedConfig& loaded);

}  // namespace shearline::server
