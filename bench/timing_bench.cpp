// Whether the time of a check tells its verdict: Welch's t between whole batches of one outcome each, as dudect compares
// two classes of input (Reparaz, Balasch, Verbauwhede 2017). All classes take turns in random order, every two are held
// against each other, and a second class of wrong secrets shows what chance alone makes of it. Prints one JSON object.
// Run by scripts/bench; a benchmark, which decides no test but that of its own outcomes.
//
// Kept alike, so that only the outcome differs. Each sample is one batch of 64 checks, copied into the same buffer before
// the clock starts; it asks about as many clients of each class as every other does, each as often. Classes whose clients may be the same ones share them; suspended
// and unknown clients are as many for each class that asks about them, so that every client is asked about equally often.
// Clients are put into the table in random order, and a run goes over several tables, each hashed under a key of its own:
// where an entry lies, and which others share its place in the caches, is chance and not its class. `hot` are so few that
// their entries stay in the nearest caches, `cold` so many that they do not.
#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/random.hpp"
#include "bench/measuring.hpp"
#include "engine/batch.hpp"
#include "engine/table.hpp"
#include "loadgen/population.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace shearline::bench {
namespace {

using engine::Outcome;
using nlohmann::json;

constexpr TimeMs now = 1'800'000'000'000;
constexpr std::uint64_t seed = 7;
constexpr std::size_t checks_per_sample = 64;
constexpr double t_of_suspicion = 4.5;                               // dudect's
constexpr std::array<double, 4> kept_shares{1.0, 0.99, 0.95, 0.80};  // of all samples, the slowest left out
constexpr std::size_t share_of_differences = 2;

struct Options {
  std::size_t checks = 1'000'000;  // of each class
  std::size_t clients_hot = 16;    // of each class
  std::size_t clients_cold = 100'000;
  std::size_t tables_hot = 16;  // in turn, for a share of the checks each
  std::size_t tables_cold = 2;
};

// Whether the clients of a class are in the table, and how.
enum class Standing : std::uint8_t { active, suspended, unknown };
constexpr std::size_t standings = 3;

struct Class {
  const char* name;
  Standing standing;
  std::uint64_t secret;  // which of a client's secrets is presented
  Outcome deserved;
};
// Secret 0 is current, 1 in grace, 2 next, 3 retired, 4 revoked; any other was never the client's.
constexpr std::uint64_t known_secrets = 5;
constexpr std::array<Class, 9> classes{{
    {"wrong", Standing::active, 5, Outcome::mismatch},
    {"wrong again", Standing::active, 5, Outcome::mismatch},
    {"current", Standing::active, 0, Outcome::current},
    {"grace", Standing::active, 1, Outcome::grace},
    {"next", Standing::active, 2, Outcome::next},
    {"retired", Standing::active, 3, Outcome::retired},
    {"revoked", Standing::active, 4, Outcome::revoked},
    {"suspended", Standing::suspended, 0, Outcome::suspended},
    {"unknown", Standing::unknown, 5, Outcome::unknown_client},
}};

std::uint64_t time_stamp() {
#if defined(__x86_64__)
  _mm_lfence();
  const std::uint64_t stamp = __rdtsc();
  _mm_lfence();
  return stamp;
#else
  return static_cast<std::uint64_t>(Time::now().time_since_epoch().count());
#endif
}

// Client c stands as the c-th class in turn wants it, so the groups lie mixed in the table. Whatever its class, a
// client's id and secrets are derived in the same way and have the same length.
struct Clients {
  std::size_t per_class;

  std::size_t total() const { return classes.size() * per_class; }
  static Standing standing(std::size_t client) { return classes[client % classes.size()].standing; }
  loadgen::Credential credential(std::size_t client, std::uint64_t secret) const {
    return loadgen::Population::generated(total(), seed + secret).at(client);
  }
};

std::vector<Key> make_peppers(std::size_t count) {
  SeededRandom random(seed);
  std::vector<Key> peppers;
  for (std::size_t i = 0; i < count; ++i) peppers.push_back(random_key(random));
  return peppers;
}

class World {
 public:
  // `number` makes it another one: its keys, and where its clients stand.
  World(std::size_t number, std::size_t peppers, std::size_t clients_per_class)
      : random_(seed + number),
        clients_{clients_per_class},
        peppers_(make_peppers(peppers)),
        table_({.capacity_hint = clients_.total(), .workers = 1}, peppers_, random_) {
    view_.loaded = true;
    for (auto& heard : view_.heard_at_ms) heard = now;
    for (std::size_t client = 0; client < clients_.total(); ++client) {
      by_standing_[static_cast<std::size_t>(Clients::standing(client))].push_back(client);
    }
    std::vector<std::size_t> known(by_standing_[0]);
    known.insert(known.end(), by_standing_[1].begin(), by_standing_[1].end());
    for (std::size_t left = known.size(); left > 0; --left) {
      std::swap(known[random_.next_u64() % left], known[left - 1]);
      put(known[left - 1], Clients::standing(known[left - 1]) == Standing::suspended);
    }
  }

  // The time-stamps that one batch took. Throws when a verdict is not the one that the class deserves.
  double sample(std::size_t which, Random& random) {
    std::array<ByteView, checks_per_sample> ids;
    std::array<ByteView, checks_per_sample> secrets;
    std::size_t used = 0;
    const auto keep = [&](const std::string& text) {
      const ByteSpan place = ByteSpan(buffer_).subspan(used, text.size());
      std::memcpy(place.data(), text.data(), text.size());
      used += text.size();
      return place;
    };
    std::vector<std::size_t>& askable = by_standing_[static_cast<std::size_t>(classes[which].standing)];
    const std::size_t asked = std::min(checks_per_sample, clients_.per_class);
    for (std::size_t i = 0; i < asked; ++i) {
      std::swap(askable[i], askable[i + random.next_u64() % (askable.size() - i)]);
    }
    for (std::size_t i = 0; i < checks_per_sample; ++i) {
      const std::size_t client = askable[i % asked];
      const auto credential = clients_.credential(client, classes[which].secret);
      ids[i] = keep(credential.client_id);
      secrets[i] = keep(credential.secret);
    }
    const std::uint64_t begin = time_stamp();
    table_.enter_turn(0);
    for (std::size_t i = 0; i < checks_per_sample; ++i) batch_.add_pair(ids[i], secrets[i]);
    batch_.run(now);
    table_.leave_turn(0);
    const auto took = static_cast<double>(time_stamp() - begin);
    for (const Outcome outcome : batch_.outcomes()) {
      if (outcome != classes[which].deserved)
        throw std::runtime_error(std::string("a wrong verdict for: ") + classes[which].name);
      outcomes_.push_back(static_cast<Byte>(outcome));
    }
    batch_.clear();
    return took;
  }

  // The order of classes is drawn from a seed, so these are the same whenever the options are.
  const Bytes& outcomes() const { return outcomes_; }

 private:
  void put(std::size_t client, bool suspended) {
    // With two peppers in use, half of the clients of every class are under each.
    const auto pepper = static_cast<std::uint8_t>(client / classes.size() % peppers_.size());
    std::vector<Digest> digests;
    std::string id;
    for (std::uint64_t secret = 0; secret < known_secrets; ++secret) {
      auto credential = clients_.credential(client, secret);
      id = std::move(credential.client_id);
      digests.push_back(engine::digest_of(peppers_[pepper], id, as_bytes(credential.secret)));
    }
    const auto version = [&](Outcome role, std::size_t secret) {
      return engine::AcceptedVersion{
          .role = role, .digest = &digests[secret], .version_id = {}, .pepper = pepper};
    };
    const std::array accepted{version(Outcome::current, 0), version(Outcome::grace, 1),
                              version(Outcome::next, 2)};
    const std::array dead{engine::DeadDigest{.digest = &digests[3], .revoked = false, .pepper = pepper},
                          engine::DeadDigest{.digest = &digests[4], .revoked = true, .pepper = pepper}};
    table_.put({.client_id = id, .revision = 1, .suspended = suspended, .accepted = accepted, .dead = dead});
  }

  SeededRandom random_;
  const Clients clients_;
  const std::vector<Key> peppers_;
  engine::Table table_;
  engine::View view_;
  engine::Batch batch_{table_, view_};
  std::array<std::vector<std::size_t>, standings> by_standing_;  // in the order of the last draw
  std::array<Byte, 16 * 1024> buffer_{};
  Bytes outcomes_;
};

struct Moments {
  double count = 0;
  double mean = 0;
  double variance = 0;
};

Moments moments_of(const std::vector<double>& samples, double limit) {
  Moments out;
  double squares = 0;
  for (const double each : samples) {  // Welford
    if (each > limit) continue;
    out.count += 1;
    const double off = each - out.mean;
    out.mean += off / out.count;
    squares += off * (each - out.mean);
  }
  out.variance = out.count > 1 ? squares / (out.count - 1) : 0;
  return out;
}

double welch_t(const Moments& a, const Moments& b) {
  const double error = std::sqrt(a.variance / a.count + b.variance / b.count);
  return error > 0 ? (a.mean - b.mean) / error : 0;
}

double time_stamps_per_ns() {
  const auto begin = Time::now();
  const std::uint64_t stamp = time_stamp();
  while (us_since(begin) < 20'000) {
  }
  return static_cast<double>(time_stamp() - stamp) / (us_since(begin) * 1000);
}

// The largest |t| over several shares of the samples kept. How large the difference is says the share of all but the few
// that were interrupted.
json compare(const std::vector<double>& samples, const std::vector<double>& with,
             const std::array<double, kept_shares.size()>& limits, double stamps_per_ns) {
  json out;
  double largest = -1;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const Moments one = moments_of(samples, limits[i]);
    const Moments other = moments_of(with, limits[i]);
    const double t = welch_t(one, other);
    if (std::abs(t) > largest) {
      largest = std::abs(t);
      out["t"] = t;
      out["kept_share"] = kept_shares[i];
    }
    if (i != share_of_differences) continue;
    const double deviation = std::sqrt((one.variance + other.variance) / 2);
    out["difference_ns_per_check"] = (one.mean - other.mean) / stamps_per_ns / checks_per_sample;
    out["ns_per_check"] = one.mean / stamps_per_ns / checks_per_sample;
    out["cohens_d"] = deviation > 0 ? (one.mean - other.mean) / deviation : 0;
  }
  out["suspicious"] = largest > t_of_suspicion;
  return out;
}

struct Place {
  std::size_t peppers;
  std::size_t clients_per_class;
  std::size_t tables;
};

json measure(const Place& place, std::size_t checks) {
  SeededRandom random(seed + 100);
  const std::size_t wanted = (checks + checks_per_sample - 1) / checks_per_sample * classes.size();
  std::vector<std::vector<double>> samples(classes.size());
  Bytes outcomes;
  for (std::size_t number = 0; number < place.tables; ++number) {
    World world(number, place.peppers, place.clients_per_class);
    for (std::size_t i = 0; i < classes.size() * 100; ++i) world.sample(i % classes.size(), random);
    // Drawn anew each time, so no class always follows the same one.
    for (std::size_t i = wanted * number / place.tables; i < wanted * (number + 1) / place.tables; ++i) {
      const std::size_t which = random.next_u64() % classes.size();
      samples[which].push_back(world.sample(which, random));
    }
    append(outcomes, world.outcomes());
  }
  std::vector<double> all;
  for (const auto& each : samples) all.insert(all.end(), each.begin(), each.end());
  std::ranges::sort(all);
  std::array<double, kept_shares.size()> limits{};
  for (std::size_t i = 0; i < limits.size(); ++i) {
    limits[i] = all[static_cast<std::size_t>(kept_shares[i] * static_cast<double>(all.size() - 1))];
  }
  const double stamps_per_ns = time_stamps_per_ns();
  json out = {{"outcomes_sha256", hex(sha256(outcomes))}};
  for (const Class& each : classes) out["classes"].push_back(each.name);
  for (std::size_t with = 0; with < classes.size(); ++with) {
    for (std::size_t i = with + 1; i < classes.size(); ++i) {
      json one = compare(samples[i], samples[with], limits, stamps_per_ns);
      one["checks"] = samples[i].size() * checks_per_sample;
      out["against"][classes[with].name][classes[i].name] = std::move(one);
    }
  }
  return out;
}

json run(const Options& options) {
  pin_to_core(0);
  json out;
  for (const std::size_t peppers : {1U, 2U}) {
    for (const bool is_hot : {true, false}) {
      const Place place{peppers, is_hot ? options.clients_hot : options.clients_cold,
                        is_hot ? options.tables_hot : options.tables_cold};
      json one = measure(place, options.checks);
      one["peppers"] = peppers;
      one["cache"] = is_hot ? "hot" : "cold";
      one["clients_per_class"] = place.clients_per_class;
      out["runs"].push_back(std::move(one));
    }
  }
  out["checks_per_sample"] = checks_per_sample;
  out["t_of_suspicion"] = t_of_suspicion;
  return out;
}

}  // namespace
}  // namespace shearline::bench

int main(int argc, char** argv) {
  shearline::bench::Options options;
  CLI::App app{"Welch's t between the times of checks by outcome"};
  app.add_option("--checks", options.checks, "of each class")->check(CLI::PositiveNumber);
  app.add_option("--clients-hot", options.clients_hot, "of each class, when their entries stay in cache")
      ->check(CLI::PositiveNumber);
  app.add_option("--clients-cold", options.clients_cold, "of each class, when they do not")
      ->check(CLI::PositiveNumber);
  app.add_option("--tables-hot", options.tables_hot, "one after another")->check(CLI::PositiveNumber);
  app.add_option("--tables-cold", options.tables_cold, "one after another")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    std::printf("%s\n", shearline::bench::run(options).dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "timing_bench: %s\n", error.what());
    return 1;
  }
}
