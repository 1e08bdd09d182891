#include "server/engine.hpp"

#include "actors/admin.hpp"
#include "actors/audit.hpp"
#include "actors/channel.hpp"
#include "actors/distribution.hpp"
#include "actors/keeper.hpp"
#include "actors/replica.hpp"
#include "actors/rotation.hpp"
#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "io/store/layout.hpp"
#include "io/store/memory_store.hpp"
#include "io/store/redis_store.hpp"
#include "server/data_plane.hpp"

#include <atomic>
#include <optional>
#include <utility>
#include <vector>

namespace shearline::server {
namespace {

constexpr std::int64_t not_ready_told_every_ms = 5000;
constexpr std::int64_t start_watched_every_ms = 100;

// In the keyring's order, which is the order table_facts() speaks of.
std::vector<Key> pepper_keys(const keys::Keyring& keyring) {
  std::vector<Key> peppers;
  for (const keys::Pepper& pepper : keyring.peppers) peppers.push_back(pepper.key.clone());
  return peppers;
}

class WiredEngine final : public Engine {
 public:
  WiredEngine(const ServerConfig& config, const keys::Keyring& keyring, loop::Loop& loop)
      : config_(config),
        loop_(loop),
        redis_(config.store == StoreKind::redis ? store::make_redis_store(loop, config.redis) : nullptr),
        memory_(config.store == StoreKind::memory ? store::make_memory_store(&loop, clock_) : nullptr),
        sealed_(raw(), keyring.state_key, random_, clock_),
        codec_(keyring.state_key, random_),
        context_{loop, clock_, random_, sealed_, codec_, keyring, config.rules, config.node, "none"},
        directory_(config.founding_admins),
        table_({.workers = config.workers}, pepper_keys(keyring), random_),
        counters_(config.store == StoreKind::redis ? config.data_folder + "/counters" : ""),
        audit_(context_, config.data_folder + "/audit.jsonl"),
        distribution_(context_, directory_),
        rotation_(context_, directory_, known(), distribution_.mailbox(), audit_.mailbox()),
        admin_(context_, directory_, known(), rotation_.mailbox(), audit_.mailbox(),
               [this](const std::string& jti, const std::string& jws) {
                 if (channel_) channel_->send_answer(jti, jws);
               }),
        replica_(context_, table_, view_, directory_, rotation_.mailbox(), audit_.mailbox(), counters_),
        keeper_(context_, directory_, replica_, {admin_.mailbox(), rotation_.mailbox(), audit_.mailbox()},
                config.lease_ttl_ms),
        stop_asked_(loop) {
    if (redis_) channel_.emplace(loop, config.redis, admin_.mailbox());
    wake_.engine = this;
    wake_.run = [](loop::NotifyHook* hook) {
      auto* self = static_cast<Wake*>(hook)->engine;
      if (self->stop_requested_.load(std::memory_order_acquire)) self->stop_asked_.set();
    };
    loop.add_notify_hook(wake_);
  }

  Status prepare() {
    if (Status bound = listeners_.bind(config_.resp_listeners); !bound) return bound;
    if (Status read = counters_.read(); !read) return read;
    return audit_.start();
  }

  Status run() override {
    distribution_.start();
    rotation_.start();
    admin_.start();
    replica_.start();
    keeper_.start();
    if (channel_) channel_->start();
    DataPlane workers(config_, listeners_, table_, view_, clock_);
    Status outcome = workers.start();
    if (outcome) {
      boost::fibers::fiber watch =
          loop::spawn("start-watch", [this, &outcome, &workers] { outcome = watch_start(workers); });
      stop_asked_.wait();
      watch.join();
    }
    log::info("stopping");
    workers.stop();
    stop_actors();
    log::info("stopped");
    return outcome;
  }

  void request_stop() override {
    stop_requested_.store(true, std::memory_order_release);
    loop_.notify();
  }

 private:
  struct Wake : loop::NotifyHook {
    WiredEngine* engine = nullptr;
  };

  store::RawStore& raw() {
    if (redis_) return *redis_;
    return *memory_;
  }
  actors::KnownState known() {
    return {[this](std::string_view id) { return table_.revision_of(id); },
            [this](const Hash& fingerprint) { return replica_.fingerprint_known(fingerprint); },
            [this](std::string_view client_id, std::string_view after, std::size_t at_most) {
              return audit_.events_about(client_id, after, at_most);
            }};
  }

  // Judges the store as soon as it answers, says every 5 s why the engine is not ready, and ends when it is.
  Status watch_start(DataPlane& workers) {
    bool judged = !redis_;
    std::int64_t told_at = loop_.monotonic_ms();
    while (!stop_asked_.is_set() && !(judged && replica_.loaded())) {
      if (!judged) {
        const Result<bool> answered = judge_store();
        if (!answered) {
          stop_asked_.set();
          return std::unexpected(answered.error());
        }
        judged = *answered;
      }
      workers.say_why_not_ready(replica_.why_not_loaded());
      stop_asked_.wait(loop_.monotonic_ms() + start_watched_every_ms);
      if (loop_.monotonic_ms() - told_at < not_ready_told_every_ms) continue;
      told_at = loop_.monotonic_ms();
      log::warning("not_ready", {{"why", replica_.why_not_loaded()}, {"store", store_name()}});
    }
    if (replica_.loaded()) log::info("ready", {{"credentials", table_.size()}});
    return {};
  }

  // False: it does not answer yet. An error: it would lose state by itself, or is laid out otherwise.
  Result<bool> judge_store() {
    const Result<store::RedisDurability> durability = redis_->check();
    if (!durability) {
      if (durability.error().code == Code::unavailable) return false;
      return std::unexpected(durability.error());
    }
    if (Status fits = store::check_layout(sealed_); !fits && fits.error().code == Code::policy_violation) {
      return std::unexpected(fits.error());
    }
    context_.durability = durability->text();
    if (!durability->append_only) {
      log::warning("store_not_durable",
                   {{"why", "Redis keeps no append-only file; a crash of Redis loses changes"},
                    {"do", "set appendonly yes"}});
    }
    return true;
  }

  std::string store_name() const { return redis_ ? config_.redis.address.text() : "memory"; }

  // Reverse order: no new commands, finish those begun, write what they left for the trail, give the lease back.
  void stop_actors() {
    if (channel_) channel_->stop();
    admin_.stop();
    rotation_.stop();
    distribution_.stop();
    audit_.stop();
    keeper_.stop();
    if (redis_) redis_->stop();
    replica_.stop();
  }

  const ServerConfig& config_;
  loop::Loop& loop_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<store::RedisStore> redis_;
  std::unique_ptr<store::MemoryStore> memory_;
  store::SealedStore sealed_;
  wire::RecordCodec codec_;
  actors::ActorContext context_;
  actors::Directory directory_;
  engine::View view_;
  engine::Table table_;
  Listeners listeners_;
  actors::CounterMemory counters_;
  actors::Audit audit_;
  actors::Distribution distribution_;
  actors::Rotation rotation_;
  std::optional<actors::Channel> channel_;
  actors::Admin admin_;
  actors::Replica replica_;
  actors::Keeper keeper_;
  loop::Event stop_asked_;
  std::atomic<bool> stop_requested_{false};
  Wake wake_;
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::make(const ServerConfig& config, const keys::Keyring& keyring,
                                             loop::Loop& loop) {
  auto engine = std::make_unique<WiredEngine>(config, keyring, loop);
  if (Status prepared = engine->prepare(); !prepared) return std::unexpected(prepared.error());
  return engine;
}

}  // namespace shearline::server
