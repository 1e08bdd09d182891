// Refused commands, aggregated and bounded (design: model.md invariant 5): counts by who and why, told as one audit
// event, so that a flood of bad commands can neither fill the trail nor hide in it. Used by RefusalRecord, which knows
// when it is time to tell. Pure.
#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "policy/event.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace shearline::actors {

class Refusals {
 public:
  using Kind = std::pair<std::string, Code>;  // who and why

  explicit Refusals(std::size_t told_apart_max) : told_apart_max_(told_apart_max) {}

  // who: an authenticated admin id, or empty for a stranger. Returns the kind it was counted as.
  Kind count(std::string_view who, Code code) {
    Kind kind(who, code);
    if (!counts_.contains(kind) && counts_.size() >= told_apart_max_) kind = {"others", Code::ok};
    ++counts_[kind];
    return kind;
  }
  bool empty() const { return counts_.empty(); }

  // One event for everything counted.
  policy::AuditEvent event(TimeMs now, std::string_view node, std::string_view policy_hash) const {
    policy::AuditEvent event;
    event.type = "command.refused";
    event.at_ms = now;
    event.who = "engine";
    event.node = node;
    event.policy_hash = policy_hash;
    for (const auto& [kind, count] : counts_) {
      const std::string who = kind.first.empty() ? "stranger" : kind.first;
      event.detail.emplace_back(who + "/" + std::string(code_name(kind.second)), std::to_string(count));
    }
    return event;
  }

 private:
  std::size_t told_apart_max_;
  std::map<Kind, std::uint64_t> counts_;
};

}  // namespace shearline::actors
