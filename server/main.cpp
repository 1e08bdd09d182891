#include "server/main.hpp"

#include "base/arena.hpp"
#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "server/config.hpp"
#include "server/engine.hpp"
#include "server/preconditions.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <thread>

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

Status protect_process(const ServerConfig& config) {
  if (!config.allow_debugger) prctl(PR_SET_DUMPABLE, 0);
  if (Status locked = judge_locked_memory(config); !locked) return locked;
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
Result<loop::Backend> settle_backend(loop::Backend wanted) {
  const Result<BackendChoice> choice = choose_backend(wanted);
  if (!choice) return std::unexpected(choice.error());
  log::info("backend", {{"backend", loop::name_of(choice->backend)}, {"why", choice->why}});
  return choice->backend;
}

// Each fault is a line; what may be in order, since only the operator can know, is a note.
int check(const ServerConfig& config) {
  if (!config.allow_debugger) prctl(PR_SET_DUMPABLE, 0);  // the keyring is opened
  const Preconditions found = judge_preconditions(config);
  for (const std::string& note : found.notes) say(0, "note: " + note);
  for (const std::string& fault : found.faults) say(0, fault);
  if (!found.faults.empty()) {
    const std::size_t count = found.faults.size();
    return say(status_configuration, "the configuration can be read, but a start would fail: " +
                                         std::to_string(count) + (count == 1 ? " fault" : " faults"));
  }
  std::puts("the configuration is good, and the keyring opens (Redis was not asked)");
  return 0;
}

int serve(ServerConfig config) {
  if (Status fine = protect_process(config); !fine) return say(status_configuration, fine.error().message);
  const Result<keys::Keyring> keyring = open_keyring(config);
  if (!keyring) return say(status_configuration, keyring.error().message);
  if (Status made = make_data_folder(config.data_folder); !made)
    return say(status_configuration, made.error().message);
  const Result<loop::Backend> backend = settle_backend(config.backend);
  if (!backend) return say(status_configuration, backend.error().message);
  config.backend = *backend;

  SignalWatch::block();
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
  const std::expected<LoadedConfig, std::vector<Fault>> loaded = load_config(arguments_of(argc, argv));
  if (!loaded) {
    for (const Fault& fault : loaded.error()) say(0, fault.origin + ": " + fault.message);
    const std::size_t count = loaded.error().size();
    return say(status_configuration,
               std::to_string(count) + (count == 1 ? " fault" : " faults") + " in the configuration");
  }
  if (loaded->help) {
    std::fputs(config_help().c_str(), stdout);
    return 0;
  }
  if (loaded->check_only) return check(loaded->config);
  log::configure(loaded->config.log_level, loaded->config.log_format);
  return serve(loaded->config);
}

}  // namespace shearline::server
