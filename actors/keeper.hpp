// The keeper of the control lease: of several engines on one store one holds it and alone changes anything; the others
// follow, verify, and take over (design: architecture.md "Many nodes"). A new holder first raises the fence of every
// partition, then catches up, and only then tells the others. A node whose clock is 2 s away from the store's neither
// takes nor keeps the lease, and one that cannot act gives it back. Control thread.
#pragma once

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/messages.hpp"
#include "actors/replica.hpp"

#include <functional>
#include <memory>

namespace shearline::actors {

inline constexpr std::int64_t lease_ttl_default_ms = 5000;
inline constexpr std::int64_t clock_skew_max_ms = 2000;  // model.md "Words"

class Keeper {
 public:
  struct Told {
    AdminMailbox& admin;
    RotationMailbox& rotation;
    AuditMailbox& audit;
  };
  Keeper(ActorContext& context, const Directory& directory, Replica& replica, Told told,
         std::int64_t lease_ttl_ms);
  ~Keeper();

  void start();
  void stop();  // gives the lease back, so that another node need not wait for it to run out
  bool held() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shearline::actors
