// What rotation and admin want to know of other actors' state, as functions: they ask the replica and the audit actor without
// knowing either. Wired by server/ (or a test).
#pragma once

#include "actors/audit_file.hpp"
#include "base/crypto.hpp"

#include <cstdint>
#include <functional>
#include <string_view>

namespace shearline::actors {

struct KnownState {
  std::function<std::uint64_t(std::string_view client_id)> revision_of;  // replica
  std::function<bool(const Hash& fingerprint)> fingerprint_known;        // replica
  // audit: the newest events about a credential, newer than the one with the id `after`
  std::function<Result<EventsAbout>(std::string_view client_id, std::string_view after, std::size_t at_most)>
      events_about;
};

}  // namespace shearline::actors
