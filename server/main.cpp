#include "server/main.hpp"

#include "base/arena.hpp"
#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "server/config.hpp"
#include "server/engine.hpp"
#include "server/preconditions.hpp"
#include "server/time_slice.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves declaring it to us

namespace shearline::server {
namespace {

constexpr int status_configuration = 78;  // EX_CONFIG of sysexits.h
constexpr int status_failed = 1;

Arguments arguments_of(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) out.flags.emplace_back(argv[i]);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (text.starts_with("SHEARLINE_") && equals != std::string_view::npos) {
      out.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return out;
}

int say(int status, std::string_view line) {
  std::fprintf(stderr, "shearline: %.*s\n", static_cast<int>(line.size()), line.data());
  return status;
}

int say(int status, const Fault& fault) { return say(status, fault.origin + ": " + fault.message); }

OrFault<void> protect_process(const LoadedConfig& loaded) {
  if (!loaded.config.allow_debugger) prctl(PR_SET_DUMPABLE, 0);
  if (OrFault<void> locked = judge_locked_memory(loaded); !locked) return locked;
  if (!arena_state().locked) {
    log::warning("secrets_not_locked", {{"do", "raise the limit for locked memory (LimitMEMLOCK=)"}});
  }
  // Connections, Redis, files, rings: as many descriptors as the system grants.
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  return {};
}

// Waits for SIGINT or SIGTERM on a thread of its own: the only safe place to call into the engine from.
class SignalWatch {
 public:
  explicit SignalWatch(Engine& engine) {
    thread_ = std::thread([this, &engine] {
      sigset_t wanted = signals();
      int which = 0;
      while (sigwait(&wanted, &which) == 0 && which != SIGUSR1) {
        log::info("stop_requested", {{"signal", which}});
        engine.request_stop();
      }
    });
  }
  ~SignalWatch() {
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
  }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // Before any thread is made, so that all inherit it.
  static void block() {
    sigset_t wanted = signals();
    pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
    signal(SIGPIPE, SIG_IGN);
  }

 private:
  static sigset_t signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    return set;
  }
  std::thread thread_;
};

// One backend for the whole process, settled before anything runs and said once.
OrFault<loop::Backend> settle_backend(const LoadedConfig& loaded) {
  const OrFault<BackendChoice> choice = choose_backend(loaded);
  if (!choice) return std::unexpected(choice.error());
  log::info("backend", {{"backend", loop::name_of(choice->backend)}, {"why", choice->why}});
  return choice->backend;
}

std::string so_many_faults(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " fault" : " faults");
}

int refuse(const std::vector<Fault>& faults, const std::string& summary) {
  for (const Fault& fault : faults) say(0, fault);
  return say(status_configuration, summary);
}
int refuse_configuration(const LoadedConfig& loaded) {
  return refuse(loaded.faults, so_many_faults(loaded.faults.size()) + " in the configuration");
}

// Each fault is a line; what may be in order, since only the operator can know, is a note. What a start needs is judged
// beside a configuration with faults as well: who mends one thing after the other asks only once.
int check(const LoadedConfig& loaded) {
  if (!loaded.config.allow_debugger) prctl(PR_SET_DUMPABLE, 0);  // the keyring is opened
  const Preconditions found = judge_preconditions(loaded);
  for (const std::string& note : found.notes) say(0, "note: " + note);
  if (found.faults.empty() && !loaded.faults.empty()) return refuse_configuration(loaded);
  if (loaded.faults.empty() && !found.faults.empty()) {
    return refuse(found.faults, "the configuration can be read, but a start would fail: " +
                                    so_many_faults(found.faults.size()));
  }
  if (!found.faults.empty()) {
    for (const Fault& fault : loaded.faults) say(0, fault);
    return refuse(found.faults, so_many_faults(loaded.faults.size()) +
                                    " in the configuration, and a start would fail at " +
                                    std::to_string(found.faults.size()) + " more");
  }
  std::puts("the configuration is good, and the keyring opens (Redis was not asked)");
  return 0;
}

int serve(const LoadedConfig& loaded) {
  if (const OrFault<void> fine = protect_process(loaded); !fine)
    return say(status_configuration, fine.error());
  const OrFault<keys::Keyring> keyring = open_keyring(loaded);
  if (!keyring) return say(status_configuration, keyring.error());
  if (const OrFault<void> made = make_data_folder(loaded); !made)
    return say(status_configuration, made.error());
  const OrFault<loop::Backend> backend = settle_backend(loaded);
  if (!backend) return say(status_configuration, backend.error());
  ServerConfig config = loaded.config;
  config.backend = *backend;

  SignalWatch::block();
  // Before any thread is made: all inherit it. Without it the engine does the same, later where it shares its cores.
  ask_for_short_time_slices();
  Result<std::unique_ptr<loop::Loop>> loop = loop::make_loop({.backend = config.backend});
  if (!loop) return say(status_configuration, loop.error().message);
  const loop::FiberScheduler fibers(**loop);
  Result<std::unique_ptr<Engine>> engine = Engine::make(config, *keyring, **loop);
  if (!engine) return say(status_failed, engine.error().message);
  const SignalWatch watch(**engine);
  const Status ended = (*engine)->run();
  return ended ? 0 : say(status_failed, ended.error().message);
}

}  // namespace

int main_server(int argc, char** argv) {
  const LoadedConfig loaded = load_config(arguments_of(argc, argv));
  if (loaded.help) {
    std::fputs(config_help().c_str(), stdout);
    return 0;
  }
  if (loaded.check_only) return check(loaded);
  if (!loaded.faults.empty()) return refuse_configuration(loaded);
  log::configure(loaded.config.log_level, loaded.config.log_format);
  return serve(loaded);
}

}  // namespace shearline::server
