// A small table filled by hand, for sessions without sockets and workers with them.
#pragma once

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/random.hpp"
#include "engine/digest.hpp"
#include "engine/table.hpp"
#include "io/wire/resp.hpp"

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::front::testing {

class HandClock final : public Clock {
 public:
  TimeMs now_ms() override { return now_.load(); }
  void set(TimeMs now) { now_ = now; }

 private:
  std::atomic<TimeMs> now_{1'800'000'000'000};
};

struct Credentials {
  static constexpr std::uint64_t seed = 2;
  SeededRandom random{seed};  // its first bytes are the pepper
  HandClock clock;
  Key pepper = random_key(random);
  engine::View view;
  engine::Table table;
  std::uint64_t revision = 0;

  explicit Credentials(std::size_t workers = 1)
      : table({.capacity_hint = 64, .workers = workers}, pepper, random) {
    for (auto& heard : view.heard_at_ms) heard = clock.now_ms();
    view.loaded = true;
  }

  Ulid version(std::uint8_t number) const {
    std::array<Byte, 16> bytes{};
    bytes[15] = number;
    return Ulid::from_bytes(bytes);
  }

  // Version 1 is current, version 2 in grace, version 3 next; an empty secret leaves one out.
  void put(std::string_view client_id, std::string_view current, std::string_view grace = {},
           TimeMs grace_ends_at_ms = time_never, std::string_view next = {}) {
    std::vector<Digest> digests;
    digests.reserve(3);
    std::vector<engine::AcceptedVersion> accepted;
    const auto add = [&](engine::Outcome role, std::string_view secret, TimeMs not_after_ms,
                         std::uint8_t number) {
      if (secret.empty()) return;
      digests.push_back(engine::digest_of(pepper, client_id, as_bytes(secret)));
      accepted.push_back({role, &digests.back(), not_after_ms, version(number)});
    };
    add(engine::Outcome::current, current, time_never, 1);
    add(engine::Outcome::grace, grace, grace_ends_at_ms, 2);
    add(engine::Outcome::next, next, time_never, 3);
    table.put({.client_id = client_id, .revision = ++revision, .accepted = accepted});
  }
};

inline std::string request(const std::vector<std::string>& arguments) {
  Bytes out;
  wire::write_array_header(out, arguments.size());
  for (const auto& argument : arguments) wire::write_bulk(out, argument);
  return to_string(out);
}

inline Hash token_hash(std::string_view token) { return sha256(as_bytes(token)); }

}  // namespace shearline::front::testing
