#include "actors/keeper.hpp"

#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "io/store/layout.hpp"

#include <cstdlib>
#include <optional>
#include <utility>

namespace shearline::actors {
namespace {
// A follower sees a store that went backwards at its next look, follow_wait_ms at most away, and then loads it.
constexpr std::int64_t catch_up_least_ms = 3 * follow_wait_ms;
constexpr TimeMs clock_step_ms = 500;
constexpr std::int64_t start_look_ms = 50;  // until the first whole view there is nothing else to wait for
}  // namespace

struct Keeper::Impl {
  Impl(ActorContext& given, const Directory& known_directory, Replica& given_replica, Told given_told,
       std::int64_t given_ttl_ms)
      : context(given),
        directory(known_directory),
        replica(given_replica),
        told(given_told),
        ttl_ms(given_ttl_ms),
        stopping(given.loop) {
    // Two processes that were given one name must not renew each other's lease.
    lease_id = context.node + "/" + Ulid::make(context.clock.now_ms(), context.random).text();
  }

  void run() {
    while (!stopping.is_set()) {
      turn();
      stopping.wait(context.loop.monotonic_ms() + (replica.settled() ? ttl_ms / 3 : start_look_ms));
    }
  }

  void turn() {
    watch_clock();
    // The lease runs from when we asked: an answer that took long must not make it look longer than it is.
    const std::int64_t asked_at = context.loop.monotonic_ms();
    if (context.store.fence() == 0 && held_) lose("a script found a newer fence");
    if (held_ && asked_at >= lease_ends_at) lose("it ran out before it could be renewed");
    if (!clock_agrees()) {
      if (held_) lose("this node's clock is away from the store's");
      return;
    }
    if (!held_ && !may_ask(asked_at)) return;
    const Result<store::RawStore::Lease> lease = context.store.raw().lease(lease_id, ttl_ms);
    if (!lease) return tell_unreadable(lease.error());  // what we hold runs out by itself
    unreadable_told = false;
    if (!lease->ours) {
      if (held_) lose("another node holds it: " + lease->held_by);
      return;
    }
    lease_ends_at = asked_at + ttl_ms;
    if (!held_) gain();
  }

  // Before its first view a node could only hold the lease up. One that could not load all of it lets those go first
  // that could.
  bool may_ask(std::int64_t now) {
    if (replica.loaded()) return true;
    if (!replica.can_act()) return false;
    if (!waits_since) waits_since = now;
    return now - *waits_since >= 2 * ttl_ms;
  }

  // A store that is away is everybody's business and told elsewhere; something else in the lease's place is not.
  void tell_unreadable(const Error& error) {
    if (error.code == Code::unavailable || std::exchange(unreadable_told, true)) return;
    log::error("lease_unreadable", {{"alarm", true}, {"why", error.message}});
  }

  // Waits are counted in monotonic time; where the wall clock was set meanwhile, deadlines are nearer or farther.
  void watch_clock() {
    const TimeMs offset = context.clock.now_ms() - context.loop.monotonic_ms();
    if (clock_offset != 0 && std::abs(offset - clock_offset) > clock_step_ms)
      told.rotation.send_control(ClockMoved{});
    clock_offset = offset;
  }

  bool clock_agrees() {
    const TimeMs before = context.clock.now_ms();
    const Result<TimeMs> theirs = context.store.raw().store_time_ms();
    const TimeMs after = context.clock.now_ms();
    // No answer says nothing about the clock; a record from the future does.
    TimeMs away = std::max<TimeMs>(replica.newest_record_ms() - after, 0);
    if (theirs) away = std::max({away, before - *theirs, *theirs - after});
    if (away < clock_skew_max_ms) {
      skewed = false;
      return true;
    }
    if (!skewed) log::error("clock_not_trusted", {{"alarm", true}, {"milliseconds_away", away}});
    skewed = true;
    return false;
  }

  void gain() {
    const Result<std::uint64_t> fence = context.store.raw().raise_fences();
    if (!fence) return give_up("its fences could not be raised: " + fence.error().message);
    // From here on no older holder changes anything; what it changed before, we must have seen before we act.
    for (unsigned partition = 0; partition < store::partition_count; ++partition) {
      if (Status caught_up = replica.catch_up(partition, std::max(ttl_ms, catch_up_least_ms)); !caught_up)
        return give_up(caught_up.error().message);
    }
    for (const std::string& group : directory.group_ids()) {
      if (Status raised = context.store.raw().raise_group_fence(group, *fence); !raised) {
        return give_up("the fence of the group " + group + " could not be raised: " + raised.error().message);
      }
    }
    context.store.set_fence(*fence);
    if (Status layout = store::check_layout(context.store); !layout) return give_up(layout.error().message);
    if (Status mended = replica.mend(); !mended) return give_up(mended.error().message);
    // All of that may have taken longer than the lease lasts.
    const std::int64_t asked_at = context.loop.monotonic_ms();
    const Result<store::RawStore::Lease> lease = context.store.raw().lease(lease_id, ttl_ms);
    if (!lease || !lease->ours) return give_up(lease ? "another node has it now" : lease.error().message);
    lease_ends_at = asked_at + ttl_ms;
    held_ = true;
    log::info("lease_gained", {{"node", context.node}, {"fence", *fence}});
    tell(true);
  }

  // A node that cannot act must not keep one that can from acting.
  void give_up(std::string_view why) {
    context.store.set_fence(0);
    log::warning("lease_given_up", {{"node", context.node}, {"why", why}});
    release();
    stopping.wait(context.loop.monotonic_ms() + ttl_ms);
  }

  void release() {
    if (Status released = context.store.raw().release_lease(lease_id); !released) {
      log::info("lease_not_released", {{"why", released.error().message}});
    }
  }

  void lose(std::string_view why) {
    held_ = false;
    context.store.set_fence(0);
    log::warning("lease_lost", {{"node", context.node}, {"why", why}});
    tell(false);
  }

  void tell(bool held) {
    told.audit.send_control(LeaseChanged{held});
    told.rotation.send_control(LeaseChanged{held});
    told.admin.send_control(LeaseChanged{held});
  }

  ActorContext& context;
  const Directory& directory;
  Replica& replica;
  Told told;
  std::int64_t ttl_ms;
  std::string lease_id;
  loop::Event stopping;
  bool held_ = false;
  bool skewed = false;
  bool unreadable_told = false;
  std::int64_t lease_ends_at = 0;           // monotonic
  std::optional<std::int64_t> waits_since;  // monotonic: this node could act, but not on everything
  TimeMs clock_offset = 0;                  // wall clock less monotonic time
  boost::fibers::fiber fiber;
};

Keeper::Keeper(ActorContext& context, const Directory& directory, Replica& replica, Told told,
               std::int64_t lease_ttl_ms)
    : impl_(std::make_unique<Impl>(context, directory, replica, told, lease_ttl_ms)) {}
Keeper::~Keeper() = default;

void Keeper::start() {
  impl_->fiber = loop::spawn("keeper", [this] { impl_->run(); });
}

void Keeper::stop() {
  impl_->stopping.set();
  if (impl_->fiber.joinable()) impl_->fiber.join();
  if (!impl_->held_) return;
  impl_->lose("this node stops");
  impl_->release();
}

bool Keeper::held() const { return impl_->held_; }

}  // namespace shearline::actors
